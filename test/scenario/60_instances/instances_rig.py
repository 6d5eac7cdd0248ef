"""A daemon that runs containers, and everything on this machine that belongs to it."""
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

import pytest

from daemon_rig import Holdfast, Layout, busybox_files, run

API = 'api-version=2023-05-01'
TYPE = 'Microsoft.ContainerInstance/containerGroups'


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout


class Place(Holdfast):
    """A daemon with a runner of its own, and an image to run."""

    def prepare(self):
        self.start()
        layout = Layout(self.folder / 'layout')
        files = busybox_files()
        source, _ = layout.image('1', [files, {'www/index.html': b'hello from holdfast\n'}], compress=True)
        user, password = self.user
        run(['skopeo', 'copy', '--quiet', '--dest-cert-dir', self.certs, '--dest-creds', f'{user}:{password}',
             source, f'docker://{self.host}/app/web:1'])
        self.cli('login', '--bootstrap', self.data / 'bootstrap' / 'admin.json')
        return self

    @property
    def image(self):
        return f'{self.host}/app/web:1'

    def group_id(self, name):
        return f'/subscriptions/{self.admin["subscriptionId"]}/resourceGroups/default/providers/{TYPE}/{name}'

    def ask(self, method, name, below='', document=None, query=''):
        return self.request(method, f'{self.group_id(name)}{below}?{API}{query}',
                            body=json.dumps(document) if document is not None else None,
                            headers={'Content-Type': 'application/json'}, auth=self.user)

    def document(self, *containers, restart='Never', port=None, **more):
        properties = {'osType': 'Linux', 'restartPolicy': restart, 'containers': [
            {'name': c.pop('name', 'main'),
             'properties': {'image': self.image, 'resources': {'requests': {'cpu': 0.5, 'memoryInGB': 0.1}}, **c}}
            for c in map(dict, containers)], **more}
        if port:
            properties['ipAddress'] = {'type': 'Public', 'ports': [{'port': port, 'protocol': 'TCP'}]}
        return {'location': 'local', 'properties': properties}

    def put(self, name, *containers, **more):
        answer = self.ask('PUT', name, document=self.document(*containers, **more))
        assert answer.status in (200, 201), answer
        return answer.json()

    def show(self, name):
        answer = self.ask('GET', name)
        assert answer.status == 200, answer
        return answer.json()

    def wait(self, name, until, seconds=20):
        ends = time.monotonic() + seconds
        while True:
            group = self.show(name)
            if until(group['properties']):
                return group['properties']
            assert time.monotonic() < ends, group
            time.sleep(0.05)

    def shell(self, name, script, **more):
        """A group of one container to its end: its instance view and its log."""
        self.put(name, {'command': ['/bin/sh', '-c', script]}, **more)
        properties = self.wait(name, lambda p: p['instanceView']['state'] in ('Succeeded', 'Failed'))
        return properties['containers'][0]['properties']['instanceView'], self.logs(name)

    def logs(self, name, container='main', query=''):
        answer = self.ask('GET', name, f'/containers/{container}/logs', query=query)
        assert answer.status == 200, answer
        return answer.json()['content']

    def delete(self, name):
        answer = self.ask('DELETE', name)
        assert answer.status in (200, 202, 204), answer
        ends = time.monotonic() + 20
        while self.ask('GET', name).status != 404:
            assert time.monotonic() < ends
            time.sleep(0.05)

    def runner_ids(self):
        groups = self.folder / 'runner' / 'groups'
        return sorted(p.name for p in groups.iterdir()) if groups.exists() else []

    # -- what belongs to this place --

    def processes(self):
        """{pid: name} of all that work here: by words, control group, mounts or open files."""
        found, folder, tag = {}, str(self.folder).encode(), self.tag
        for entry in pathlib.Path('/proc').glob('[0-9]*'):
            try:
                words = (entry / 'cmdline').read_bytes()
                if not words or b'pytest' in words:
                    continue
                ours = folder in words or (tag and f'holdfast-{tag}'.encode() in (entry / 'cgroup').read_bytes())
                ours = ours or folder in (entry / 'mountinfo').read_bytes()
                ours = ours or any(os.readlink(f).startswith(str(self.folder)) for f in (entry / 'fd').iterdir())
            except OSError:
                continue
            if ours:
                found[int(entry.name)] = pathlib.Path(words.split(b'\0')[0].decode()).name
        return found

    def supervisors(self):
        return [pid for pid, name in self.processes().items() if name == 'holdfast-supervisor']

    def runnerd(self):
        return next((pid for pid, name in self.processes().items() if name == 'holdfast-runnerd'), None)

    @property
    def tag(self):
        """What runnerd's things on this machine are called: its bridge has the address of its subnet."""
        subnet = self.folder / 'runner' / 'subnet'
        if not subnet.exists():
            return None
        address = subnet.read_text().strip().replace('.0.0/16', '.0.1/16')
        for line in said('ip', '-br', 'addr').splitlines():
            words = line.split()
            if words[0].startswith('hf') and address in words:
                return words[0][2:]
        return None

    def traces(self):
        """Everything on this machine that belongs to this place, as lines that can be compared."""
        tag = self.tag
        mine = self.processes()
        found = {f'process {name} x{list(mine.values()).count(name)}' for name in mine.values()}
        for pid in mine:
            try:
                found |= {'mount ' + line.split(' ', 1)[1] for line in open(f'/proc/{pid}/mounts')
                          if str(self.folder) in line}
            except OSError:
                pass
        found |= {'mount ' + line for line in open('/proc/self/mounts') if str(self.folder) in line}
        found |= {'netns ' + name for name in said('ip', 'netns').split() if tag and tag in name}
        found |= {'link ' + line.split()[0] for line in said('ip', '-br', 'link').splitlines()
                  if tag and (f'hf{tag}' in line or f'hv{tag}' in line)}
        for family in ('inet', 'bridge'):
            rules = said('nft', 'list', 'table', family, f'holdfast_{tag}')
            found |= {'rule ' + re.sub(r'packets \d+ bytes \d+', '', line.strip()) for line in rules.splitlines()}
        found |= {'table ' + line for line in said('nft', 'list', 'tables').splitlines() if tag and tag in line}
        found |= {'cgroup ' + path for path in
                  said('find', '/sys/fs/cgroup', '-type', 'd', '-path', f'*holdfast-{tag}*').split()}
        for top in ('runner', 'run'):
            for folder, folders, files in os.walk(self.folder / top):
                if folder == str(self.folder / 'runner' / 'layers'):
                    folders[:] = [name for name in folders if not name.startswith('sha256-')]  # kept, and whole
                found |= {'file ' + os.path.join(folder, name) for name in folders + files}
        return found

    def await_traces(self, wanted, seconds=20):
        """Nothing more, nothing less, than ${wanted}."""
        ends = time.monotonic() + seconds
        while True:
            found = self.traces()
            if found == wanted:
                return
            assert time.monotonic() < ends, '\n'.join(
                [f'left behind: {line}' for line in sorted(found - wanted)] +
                [f'missing: {line}' for line in sorted(wanted - found)]) + self.log()[-3000:]
            time.sleep(0.05)

    def leftovers(self):
        """What belongs to this place and should not be there when no group is."""
        mounts = [line for line in open('/proc/self/mounts') if str(self.folder) in line]
        return self.runner_ids(), mounts, self.supervisors()

    def await_clean(self, seconds=20):
        ends = time.monotonic() + seconds
        while any(self.leftovers()):
            assert time.monotonic() < ends, self.leftovers()
            time.sleep(0.05)

    def close(self):
        try:
            if self.process is None:
                self.start()
            listed = self.request('GET', f'/subscriptions/{self.admin["subscriptionId"]}/providers/{TYPE}?{API}',
                                  auth=self.user)
            for group in listed.json()['value']:
                self.delete(group['name'])
            self.await_clean()
        finally:
            self.cleanup()


@pytest.fixture(scope='module')
def place():
    assert os.geteuid() == 0, 'containers need root, so this scenario does'
    made = Place()
    try:
        yield made.prepare()
    finally:
        made.close()


@pytest.fixture
def own_place():
    made = Place()
    try:
        yield made.prepare()
    finally:
        made.close()


def fetch(port, seconds=10):
    ends = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                f'http://127.0.0.1:{port}/', timeout=3).read()
        except OSError:
            assert time.monotonic() < ends
            time.sleep(0.05)
