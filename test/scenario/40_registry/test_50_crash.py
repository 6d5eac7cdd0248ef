"""kill -9 at every step of an upload and of a manifest PUT: whole or absent, and what got 201 is there."""
import http.client
import json

import pytest

from daemon_rig import descriptor, digest_of

# The steps the daemon's seams announce: see store/disk.h and store/database.h.
STEPS = ['upload.create', 'upload.write', 'upload.datasync', 'upload.state', 'upload.slot', 'upload.kept', 'put.create',
         'commit.datasync', 'commit.link', 'commit.dirsync', 'db.group.begin', 'db.group.commit', 'db.group.after']
COUNT_MAX = 12

LAYER = b'0123456789abcdef' * 20000
HALF = len(LAYER) // 2
GONE = (http.client.HTTPException, OSError)


class Push:
    """One image in five requests; remembers what was acknowledged."""

    def __init__(self, holdfast, number):
        self.holdfast, self.auth = holdfast, holdfast.user
        self.repository = f'crash/n{number}'
        self.config = json.dumps({'number': number}).encode()
        self.layer = LAYER + self.config
        self.manifest = json.dumps({'schemaVersion': 2, 'config': descriptor(self.config, 'application/x'),
                                    'layers': [descriptor(self.layer, 'application/y')]}).encode()
        self.where, self.kept, self.acknowledged = None, 0, set()

    def ask(self, method, path, status, **more):
        answer = self.holdfast.request(method, path, auth=self.auth, **more)
        assert answer.status == status, answer
        return answer

    def patch(self, first, last):
        self.ask('PATCH', self.where, 202, body=self.layer[first:last])
        self.kept = last

    def run(self):
        """All of it; True when the daemon lived through it."""
        try:
            self.where = self.ask('POST', f'/v2/{self.repository}/blobs/uploads/', 202).headers['Location']
            self.patch(0, HALF)
            self.patch(HALF, len(LAYER))
            self.ask('PUT', f'{self.where}?digest={digest_of(self.layer)}', 201, body=self.config)
            self.acknowledged.add('layer')
            self.ask('POST', f'/v2/{self.repository}/blobs/uploads/?digest={digest_of(self.config)}', 201,
                     body=self.config)
            self.acknowledged.add('config')
            self.ask('PUT', f'/v2/{self.repository}/manifests/1', 201, body=self.manifest,
                     headers={'Content-Type': 'application/vnd.oci.image.manifest.v1+json'})
            self.acknowledged.add('manifest')
            return True
        except GONE:
            return False

    def whole_or_absent(self, path, data, what):
        answer = self.holdfast.request('GET', path, auth=self.auth)
        assert answer.status in (200, 404), (what, answer)
        assert answer.status == 200 or what not in self.acknowledged, f'{what} got 201 and is gone'
        assert answer.status == 404 or answer.body == data, f'{what} is not whole'
        return answer.status == 200

    def check_and_finish(self):
        base = f'/v2/{self.repository}'
        layer = self.whole_or_absent(f'{base}/blobs/{digest_of(self.layer)}', self.layer, 'layer')
        config = self.whole_or_absent(f'{base}/blobs/{digest_of(self.config)}', self.config, 'config')
        by_tag = self.whole_or_absent(f'{base}/manifests/1', self.manifest, 'manifest')
        by_digest = self.whole_or_absent(f'{base}/manifests/{digest_of(self.manifest)}', self.manifest, 'manifest')
        assert by_tag == by_digest and (not by_tag or (layer and config))
        if self.where and not layer:
            self.resume()
        # Whatever happened, the same push works now.
        again = Push(self.holdfast, int(self.repository.rsplit('n', 1)[1]))
        assert again.run() and again.acknowledged == {'layer', 'config', 'manifest'}

    def resume(self):
        """What a PATCH was answered for is kept, and the rest can follow; unless it had become the blob already."""
        state = self.holdfast.request('GET', self.where, auth=self.auth)
        if state.status == 404:
            assert self.kept == len(LAYER) or self.kept == 0, 'the upload is gone'
            return
        have = int(state.headers['Range'].split('-')[1]) + 1 if state.headers['Range'] != '0-0' else 0
        assert have >= self.kept and self.layer.startswith(self.layer[:have])
        self.ask('PUT', f'{self.where}?digest={digest_of(self.layer)}', 201, body=self.layer[have:])


@pytest.mark.parametrize('step', STEPS)
def test_kill_at(new_holdfast, step):
    holdfast = new_holdfast().start()
    crashes = 0
    for count in range(1, COUNT_MAX + 1):
        holdfast.stop()
        holdfast.start('--crash-at', f'{step}:{count}', wait=False)
        try:
            holdfast.wait_ready()
            push = Push(holdfast, count)
        except AssertionError:
            push = None  # it must have ended before it was ready: see wait_killed()
        if push and push.run():
            holdfast.kill()  # it is armed still: the records of a clean end would reach the step
            break
        holdfast.wait_killed()
        crashes += 1
        holdfast.start()
        if push:
            push.check_and_finish()
    assert crashes > 0, 'the step was never reached'
