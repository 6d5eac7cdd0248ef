"""What is wrong is refused with the dialect's code and a detail, and changes nothing."""
import base64
import json
import socket

import pytest

from daemon_rig import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, descriptor, digest_of

GOOD = {'schemaVersion': 2, 'config': descriptor(b'{}', 'application/x'), 'layers': []}


@pytest.fixture(scope='module')
def bad(holdfast):
    assert holdfast.push_blob('bad', b'{}').status == 201
    return holdfast


def raw(document):
    return document if isinstance(document, bytes) else json.dumps(document).encode()


@pytest.mark.parametrize('document, media_type', [
    (b'', OCI_MANIFEST),
    (b'{', OCI_MANIFEST),
    (b'[]', OCI_MANIFEST),
    (b'{"schemaVersion":2,"schemaVersion":2,"config":{},"layers":[]}', OCI_MANIFEST),
    (raw(GOOD)[:-1] + b',"x":' + b'[' * 100 + b']' * 100 + b'}', OCI_MANIFEST),
    (raw(GOOD)[:-1] + b',"x":"\\u0000"}', OCI_MANIFEST),
    (raw(GOOD)[:-1] + b',"x":"\0"}', OCI_MANIFEST),
    (raw(GOOD)[:-1] + b',"x":"\xff\xfe"}', OCI_MANIFEST),
    (raw(GOOD) + raw(GOOD), OCI_MANIFEST),
    ({**GOOD, 'schemaVersion': 1}, OCI_MANIFEST),
    ({**GOOD, 'manifests': []}, OCI_MANIFEST),
    ({**GOOD, 'mediaType': DOCKER_MANIFEST}, OCI_MANIFEST),
    (GOOD, DOCKER_MANIFEST),
    (GOOD, OCI_INDEX),
    (GOOD, 'application/json'),
    (GOOD, 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
    (GOOD, 'text/html'),
    ({**GOOD, 'layers': None}, OCI_MANIFEST),
    ({**GOOD, 'layers': [{**GOOD['config'], 'digest': 'sha256:short'}]}, OCI_MANIFEST),
    ({**GOOD, 'config': {**GOOD['config'], 'size': -1}}, OCI_MANIFEST),
    ({**GOOD, 'config': {**GOOD['config'], 'size': 3}}, OCI_MANIFEST),
    ({**GOOD, 'annotations': {'a': 1}}, OCI_MANIFEST),
    ({**GOOD, 'artifactType': 'x\r\nSet-Cookie: y'}, OCI_MANIFEST),
])
def test_hostile_manifest(bad, document, media_type):
    answer = bad.push_manifest('bad', 'x', raw(document), media_type)
    assert answer.status == 400 and answer.code == 'MANIFEST_INVALID', answer
    assert bad.request('GET', '/v2/bad/manifests/x', auth=bad.user).status == 404


def test_manifest_that_is_too_large(bad):
    fits = raw(GOOD)[:-1] + b',"x":"' + b'a' * (4 * 1024 * 1024 - len(raw(GOOD)) - 7) + b'"}'
    assert len(fits) == 4 * 1024 * 1024
    assert bad.push_manifest('bad', 'large', fits).status == 201
    assert bad.request('GET', '/v2/bad/manifests/large', auth=bad.user).body == fits
    answer = bad.push_manifest('bad', 'larger', fits + b' ')
    assert answer.status == 413 and answer.code == 'MANIFEST_INVALID'
    answer = bad.request('PUT', '/v2/bad/manifests/larger', body=iter([fits, b' ' * 100000]), chunked=True,
                         auth=bad.user, headers={'Content-Type': OCI_MANIFEST, 'Transfer-Encoding': 'chunked'})
    assert answer.status == 413
    assert bad.request('HEAD', '/v2/bad/manifests/larger', auth=bad.user).status == 404


def test_manifest_whose_blobs_are_missing(bad):
    document = {**GOOD, 'layers': [descriptor(b'nowhere', 'application/x')]}
    answer = bad.push_manifest('bad', 'missing', document)
    assert answer.status == 400 and answer.code == 'MANIFEST_BLOB_UNKNOWN'
    assert digest_of(b'nowhere') in answer.json()['errors'][0]['message']
    answer = bad.push_manifest('new', 'missing', document)
    assert answer.code == 'MANIFEST_BLOB_UNKNOWN'
    assert bad.request('GET', '/v2/new/tags/list', auth=bad.user).code == 'NAME_UNKNOWN'


def test_manifest_under_another_digest(bad):
    answer = bad.push_manifest('bad', digest_of(b'else'), GOOD)
    assert answer.status == 400 and answer.code == 'DIGEST_INVALID'


@pytest.mark.parametrize('name', ['UPPER', 'a//b', 'a/', '-a', 'a..b', 'a%20b', 'a_-b', 'x' * 256, 'a/../b', '%C3%A9'])
def test_invalid_repository_names(bad, name):
    answer = bad.request('GET', f'/v2/{name}/tags/list', auth=bad.user)
    assert answer.status in (400, 404), answer
    assert answer.json()['errors'][0]['detail'] is not None
    if answer.status == 400 and '..' not in name:
        assert answer.code == 'NAME_INVALID'


@pytest.mark.parametrize('method, path, status, code', [
    ('GET', '/v2/bad/manifests/.tag', 400, 'TAG_INVALID'),
    ('PUT', '/v2/bad/manifests/' + 'x' * 129, 400, 'TAG_INVALID'),
    ('GET', '/v2/bad/manifests/sha256:baddigeststring', 400, 'DIGEST_INVALID'),
    ('PUT', '/v2/bad/manifests/sha256:baddigeststring', 400, 'DIGEST_INVALID'),
    ('GET', '/v2/bad/manifests/md5:d41d8cd98f00b204e9800998ecf8427e', 400, 'DIGEST_INVALID'),
    ('GET', '/v2/bad/blobs/sha256:' + 'A' * 64, 400, 'DIGEST_INVALID'),
    ('GET', '/v2/bad/blobs/sha256:' + 'a' * 64, 404, 'BLOB_UNKNOWN'),
    ('GET', '/v2/bad/manifests/none', 404, 'MANIFEST_UNKNOWN'),
    ('GET', '/v2/none/manifests/none', 404, 'NAME_UNKNOWN'),
    ('GET', '/v2/bad/referrers/x', 400, 'DIGEST_INVALID'),
    ('POST', '/v2/bad/blobs/uploads/?mount=x&from=bad', 400, 'DIGEST_INVALID'),
    ('POST', '/v2/bad/blobs/uploads/?digest=x', 400, 'DIGEST_INVALID'),
    ('POST', '/v2/bad/blobs/uploads/?digest-algorithm=md5', 400, 'DIGEST_INVALID'),
    ('PATCH', '/v2/bad/blobs/uploads/none', 404, 'BLOB_UPLOAD_UNKNOWN'),
    ('PUT', '/v2/bad/blobs/uploads/00000000-0000-4000-8000-000000000000?digest=' + digest_of(b''), 404,
     'BLOB_UPLOAD_UNKNOWN'),
    ('DELETE', '/v2/none/blobs/' + digest_of(b''), 404, 'BLOB_UNKNOWN'),
    ('DELETE', '/v2/none/manifests/1', 404, 'MANIFEST_UNKNOWN'),
    ('DELETE', '/v2/bad/tags/list', 405, 'UNSUPPORTED'),
])
def test_requests_that_make_no_sense(bad, method, path, status, code):
    answer = bad.request(method, path, auth=bad.user, body=json.dumps(GOOD) if method == 'PUT' else None,
                         headers={'Content-Type': OCI_MANIFEST} if method == 'PUT' else None)
    assert (answer.status, answer.code) == (status, code), answer


@pytest.mark.parametrize('headers, status, code', [
    ({'Content-Range': 'bytes 1-2'}, 400, 'BLOB_UPLOAD_INVALID'),
    ({'Content-Range': '5-2'}, 400, 'BLOB_UPLOAD_INVALID'),
    ({'Content-Range': '0-9'}, 400, 'SIZE_INVALID'),
    ({'Content-Range': '7-10'}, 416, 'BLOB_UPLOAD_INVALID'),
])
def test_chunks_that_do_not_fit(bad, headers, status, code):
    where = bad.request('POST', '/v2/bad/blobs/uploads/', auth=bad.user).headers['Location']
    answer = bad.request('PATCH', where, body=b'four', headers=headers, auth=bad.user)
    assert (answer.status, answer.code) == (status, code)
    assert bad.request('GET', where, auth=bad.user).headers['Range'] == '0-0'


def test_body_shorter_than_announced(bad):
    """The client goes away in the middle: what it sent is not kept."""
    where = bad.request('POST', '/v2/bad/blobs/uploads/', auth=bad.user).headers['Location']
    who = base64.b64encode(':'.join(bad.user).encode()).decode()
    with socket.create_connection(('localhost', bad.http_port)) as s:
        s.sendall(f'PATCH {where} HTTP/1.1\r\nHost: localhost:{bad.http_port}\r\nAuthorization: Basic {who}\r\n'
                  'Content-Length: 1000\r\n\r\nonly this'.encode())
        s.shutdown(socket.SHUT_WR)
        s.settimeout(20)
        while s.recv(4096):
            pass
    assert bad.request('GET', where, auth=bad.user).headers['Range'] == '0-0'
    assert bad.request('PATCH', where, body=b'whole', auth=bad.user).headers['Range'] == '0-4'
    assert bad.request('PUT', f'{where}?digest={digest_of(b"whole")}', auth=bad.user).status == 201


def test_wrong_digest_in_one_request(bad):
    answer = bad.push_blob('bad', b'these bytes', digest_of(b'other bytes'))
    assert answer.status == 400 and answer.code == 'DIGEST_INVALID'
    assert bad.request('HEAD', f'/v2/bad/blobs/{digest_of(b"other bytes")}', auth=bad.user).status == 404
    assert bad.request('HEAD', f'/v2/bad/blobs/{digest_of(b"these bytes")}', auth=bad.user).status == 404
