"""The OCI distribution protocol, request by request, as clients really send it."""
import concurrent.futures
import hashlib
import json
import socket
import ssl
import base64

import pytest

from daemon_rig import (DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, descriptor, digest_of)

CONFIG_TYPE = 'application/vnd.example.config.v1+json'


@pytest.fixture
def ask(holdfast):
    """ask(METHOD, path, ...) as the owner."""
    return lambda method, path, **more: holdfast.request(method, path, auth=holdfast.user, **more)


def begin(ask, repository, query=''):
    answer = ask('POST', f'/v2/{repository}/blobs/uploads/{query}')
    assert answer.status == 202, answer
    return answer.headers['Location']


def push_image(holdfast, repository, reference, config=b'{}', **more):
    assert holdfast.push_blob(repository, config).status == 201
    document = json.dumps({'schemaVersion': 2, 'config': descriptor(config, CONFIG_TYPE), 'layers': [], **more}).encode()
    answer = holdfast.push_manifest(repository, reference, document)
    assert answer.status == 201, answer
    return document, answer


def test_base_wants_to_know_who_asks(holdfast, ask):
    answer = holdfast.request('GET', '/v2/')
    assert answer.status == 401 and answer.code == 'UNAUTHORIZED'
    assert answer.headers['WWW-Authenticate'] == (
        f'Bearer realm="https://localhost:{holdfast.port}/oauth2/token",service="localhost:{holdfast.port}"')
    assert ask('GET', '/v2/').status == 200
    assert ask('GET', '/v2/').headers['Docker-Distribution-Api-Version'] == 'registry/2.0'
    assert holdfast.request('GET', '/v2/', token=holdfast.token()).status == 200


@pytest.mark.parametrize('method, path, scope', [
    ('HEAD', '/v2/a/b/manifests/1', 'repository:a/b:pull'),
    ('GET', '/v2/a/b/tags/list', 'repository:a/b:pull'),
    ('POST', '/v2/a/b/blobs/uploads/', 'repository:a/b:pull,push'),
    ('PUT', '/v2/a/b/manifests/1', 'repository:a/b:pull,push'),
    ('POST', '/v2/a/b/blobs/uploads/?mount=x&from=c/d', 'repository:a/b:pull,push repository:c/d:pull'),
    ('POST', '/v2/a/b/blobs/uploads/?mount=x&from=C', 'repository:a/b:pull,push'),
    ('DELETE', '/v2/a/b/manifests/1', 'repository:a/b:delete'),
    ('GET', '/v2/_catalog', 'registry:catalog:*'),
    ('GET', '/acr/v1/_catalog', 'registry:catalog:*'),
    ('GET', '/acr/v1/a/b/_tags', 'repository:a/b:metadata_read'),
    ('GET', '/acr/v1/a%2Fb', 'repository:a/b:metadata_read'),
])
def test_challenge_names_the_scope(holdfast, method, path, scope):
    for plain, scheme, port in ((False, 'https', holdfast.port), (True, 'http', holdfast.http_port)):
        answer = holdfast.request(method, path, plain=plain)
        assert answer.status == 401
        assert answer.headers['WWW-Authenticate'] == (
            f'Bearer realm="{scheme}://localhost:{port}/oauth2/token",service="localhost:{holdfast.port}",'
            f'scope="{scope}"')


@pytest.mark.parametrize('algorithm', ['sha256', 'sha512'])
def test_upload_in_chunks(ask, algorithm):
    data = b'0123456789' * 1000
    digest = digest_of(data, algorithm)
    where = begin(ask, f'chunks/{algorithm}', f'?digest-algorithm={algorithm}')
    assert where.startswith('/v2/chunks/')
    for first in range(0, 9000, 3000):
        answer = ask('PATCH', where, body=data[first:first + 3000],
                     headers={'Content-Range': f'{first}-{first + 2999}', 'Content-Type': 'application/octet-stream'})
        assert answer.status == 202, answer
        assert answer.headers['Range'] == f'0-{first + 2999}'
        where = answer.headers['Location']
        state = ask('GET', where)
        assert state.status == 204 and state.headers['Range'] == f'0-{first + 2999}'
    answer = ask('PUT', f'{where}?digest={digest}', body=data[9000:], headers={'Content-Range': '9000-9999'})
    assert answer.status == 201, answer
    assert answer.headers['Docker-Content-Digest'] == digest
    assert answer.headers['Location'] == f'/v2/chunks/{algorithm}/blobs/{digest}'
    assert ask('GET', answer.headers['Location']).body == data
    assert ask('GET', where).status == 404


def test_upload_as_a_stream(ask):
    data = b'abc' * 100000
    where = begin(ask, 'stream')
    answer = ask('PATCH', where, body=iter([data[:100], data[100:]]), chunked=True,
                 headers={'Transfer-Encoding': 'chunked'})
    assert answer.status == 202 and answer.headers['Range'] == f'0-{len(data) - 1}'
    answer = ask('PUT', f'{where}?digest={digest_of(data)}')
    assert answer.status == 201
    assert ask('HEAD', answer.headers['Location']).headers['Content-Length'] == str(len(data))


def test_upload_in_one_put_and_in_one_post(holdfast, ask):
    data = b'put it'
    answer = ask('PUT', f'{begin(ask, "one")}?digest={digest_of(data)}', body=data)
    assert answer.status == 201
    assert holdfast.push_blob('one', b'post it').status == 201
    assert ask('GET', f'/v2/one/blobs/{digest_of(b"post it")}').body == b'post it'
    empty = ask('PUT', f'{begin(ask, "one")}?digest={digest_of(b"")}')
    assert empty.status == 201
    assert ask('GET', empty.headers['Location']).body == b''


def test_chunk_out_of_order_says_where_to_go_on(ask):
    where = begin(ask, 'order')
    assert ask('PATCH', where, body=b'0123456789', headers={'Content-Range': '0-9'}).status == 202
    answer = ask('PATCH', where, body=b'x', headers={'Content-Range': '20-20'})
    assert answer.status == 416 and answer.code == 'BLOB_UPLOAD_INVALID'
    assert answer.headers['Range'] == '0-9' and answer.headers['Location'] == where
    answer = ask('PATCH', where, body=b'x', headers={'Content-Range': '10-10'})
    assert answer.status == 202 and answer.headers['Range'] == '0-10'


def test_upload_can_be_cancelled(ask):
    where = begin(ask, 'cancel')
    assert ask('GET', where).headers['Range'] == '0-0'
    assert ask('DELETE', where).status == 204
    for method in ('GET', 'PATCH', 'DELETE'):
        answer = ask(method, where)
        assert answer.status == 404 and answer.code == 'BLOB_UPLOAD_UNKNOWN'


def test_upload_id_is_of_no_use_in_another_repository(ask):
    where = begin(ask, 'mine')
    stolen = where.replace('/v2/mine/', '/v2/yours/')
    for method in ('GET', 'PATCH', 'PUT', 'DELETE'):
        answer = ask(method, stolen + (f'?digest={digest_of(b"")}' if method == 'PUT' else ''))
        assert answer.status == 404 and answer.code == 'BLOB_UPLOAD_UNKNOWN', (method, answer)
    assert ask('GET', where).status == 204


def test_wrong_digest_leaves_the_upload_as_it_was(ask):
    where = begin(ask, 'wrong')
    assert ask('PATCH', where, body=b'right').status == 202
    answer = ask('PUT', f'{where}?digest={digest_of(b"something else")}')
    assert answer.status == 400 and answer.code == 'DIGEST_INVALID'
    assert ask('HEAD', f'/v2/wrong/blobs/{digest_of(b"something else")}').status == 404
    assert ask('PUT', f'{where}?digest={digest_of(b"right")}').status == 201


@pytest.fixture(scope='module')
def blob(holdfast):
    data = bytes(range(256)) * 8
    assert holdfast.push_blob('ranges', data).status == 201
    return f'/v2/ranges/blobs/{digest_of(data)}', data


@pytest.mark.parametrize('value, first, last', [
    ('bytes=500-1499', 500, 1499), ('bytes=500-', 500, 2047), ('bytes=-500', 1548, 2047), ('bytes=2000-5000', 2000, 2047),
    ('bytes=0-0', 0, 0), ('bytes=-5000', 0, 2047)])
def test_range_of_a_blob(ask, blob, value, first, last):
    path, data = blob
    answer = ask('GET', path, headers={'Range': value})
    assert answer.status == 206 and answer.body == data[first:last + 1]
    assert answer.headers['Content-Range'] == f'bytes {first}-{last}/2048'


@pytest.mark.parametrize('value', ['bytes=5000-10000', 'bytes=2048-'])
def test_range_outside_a_blob(ask, blob, value):
    answer = ask('GET', blob[0], headers={'Range': value})
    assert answer.status == 416 and answer.headers['Content-Range'] == 'bytes */2048'
    assert answer.code == 'RANGE_INVALID' and int(answer.headers['Content-Length']) == len(answer.body)


@pytest.mark.parametrize('value', ['lines=1-2', 'bytes=x', 'bytes=0-1,4-5'])
def test_range_that_is_none_is_ignored(ask, blob, value):
    answer = ask('GET', blob[0], headers={'Range': value})
    assert answer.status == 200 and answer.body == blob[1]


def test_conditional_requests(ask, blob):
    path, data = blob
    etag = ask('HEAD', path).headers['ETag']
    assert ask('GET', path, headers={'If-None-Match': etag}).status == 304
    assert ask('GET', path, headers={'If-None-Match': f'"x", W/{etag}'}).status == 304
    assert ask('GET', path, headers={'If-None-Match': '"x"'}).status == 200
    assert ask('GET', path, headers={'If-Range': '"x"', 'Range': 'bytes=0-1'}).body == data
    assert ask('GET', path, headers={'If-Range': etag, 'Range': 'bytes=0-1'}).status == 206


def test_head_says_what_get_says(holdfast, ask, blob):
    push_image(holdfast, 'head', '1')
    for path in (blob[0], '/v2/head/manifests/1'):
        head, get = ask('HEAD', path), ask('GET', path)
        assert head.status == 200 and head.body == b''
        for name in ('Content-Length', 'Content-Type', 'Docker-Content-Digest', 'ETag'):
            assert head.headers[name] == get.headers[name], name
        assert int(head.headers['Content-Length']) == len(get.body)


def test_manifest_comes_back_byte_for_byte(holdfast, ask):
    document, answer = push_image(holdfast, 'bytes/deep/er', 'v1', note='  spaces\u00e9  ')
    digest = digest_of(document)
    assert answer.headers['Docker-Content-Digest'] == digest
    assert answer.headers['Location'] == f'/v2/bytes/deep/er/manifests/{digest}'
    for reference in ('v1', digest, digest.replace(':', '%3A')):
        got = ask('GET', f'/v2/bytes%2Fdeep/er/manifests/{reference}')
        assert got.status == 200 and got.body == document
        assert got.headers['Content-Type'] == OCI_MANIFEST
        assert got.headers['ETag'] == f'"{digest}"'
    assert ask('GET', '/v2/bytes/deep/er/manifests/v1', headers={'Accept': 'text/html'}).status == 200
    assert ask('GET', '/v2/bytes/deep/er/manifests/v1', headers={'If-None-Match': f'"{digest}"'}).status == 304


def test_docker_manifest_keeps_its_type(holdfast, ask):
    holdfast.push_blob('docker', b'{}')
    document = {'schemaVersion': 2, 'mediaType': DOCKER_MANIFEST, 'config': descriptor(b'{}', CONFIG_TYPE), 'layers': []}
    assert holdfast.push_manifest('docker', '1', document, DOCKER_MANIFEST).status == 201
    assert ask('GET', '/v2/docker/manifests/1').headers['Content-Type'] == DOCKER_MANIFEST


def test_index_wants_its_children(holdfast, ask):
    document, _ = push_image(holdfast, 'index', 'child')
    index = {'schemaVersion': 2, 'mediaType': OCI_INDEX, 'manifests': [descriptor(document, OCI_MANIFEST)]}
    assert holdfast.push_manifest('index', 'all', index, OCI_INDEX).status == 201
    assert ask('GET', '/v2/index/manifests/all').headers['Content-Type'] == OCI_INDEX
    answer = holdfast.push_manifest('elsewhere', 'all', index, OCI_INDEX)
    assert answer.status == 400 and answer.code == 'MANIFEST_BLOB_UNKNOWN'


def test_sha512_manifest(holdfast, ask):
    holdfast.push_blob('long', b'{}')
    document = json.dumps({'schemaVersion': 2, 'config': descriptor(b'{}', CONFIG_TYPE), 'layers': []}).encode()
    digest = digest_of(document, 'sha512')
    answer = holdfast.push_manifest('long', f'{digest}?tag=a&tag=b', document)
    assert answer.status == 201 and answer.headers['Docker-Content-Digest'] == digest
    assert answer.headers.get_all('OCI-Tag') == ['a', 'b']
    assert ask('HEAD', '/v2/long/manifests/b').headers['Docker-Content-Digest'] == digest
    assert ask('GET', f'/v2/long/manifests/{digest}').body == document


def test_foreign_layers_need_not_be_here(holdfast):
    holdfast.push_blob('foreign', b'{}')
    layer = {'mediaType': 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'digest': digest_of(b'far'),
             'size': 3, 'urls': ['https://example.com/far']}
    document = {'schemaVersion': 2, 'config': descriptor(b'{}', CONFIG_TYPE), 'layers': [layer]}
    assert holdfast.push_manifest('foreign', '1', document).status == 201
    document['layers'][0] = {**layer, 'mediaType': 'application/vnd.oci.image.layer.v1.tar+gzip'}
    assert holdfast.push_manifest('foreign', '2', document).code == 'MANIFEST_BLOB_UNKNOWN'


def test_tags_are_listed_in_pages(holdfast, ask):
    assert ask('GET', '/v2/tags/none/tags/list').code == 'NAME_UNKNOWN'
    for tag in ('b', 'a', 'C', '10', '9', '_x'):
        push_image(holdfast, 'tags', tag)
    every = ['10', '9', 'C', '_x', 'a', 'b']
    assert ask('GET', '/v2/tags/tags/list').json() == {'name': 'tags', 'tags': every}
    seen, path = [], '/v2/tags/tags/list?n=4'
    while path:
        answer = ask('GET', path)
        seen.append(answer.json()['tags'])
        link = answer.headers.get('Link')
        assert link is None or link.startswith('</v2/tags/tags/list?') and link.endswith('>; rel="next"')
        path = link and link[1:link.index('>')]
    assert seen == [every[:4], every[4:]]
    assert ask('GET', '/v2/tags/tags/list?last=a').json()['tags'] == ['b']
    assert ask('GET', '/v2/tags/tags/list?last=9x&n=1').json()['tags'] == ['C']
    nothing = ask('GET', '/v2/tags/tags/list?n=0')
    assert nothing.json()['tags'] == [] and 'Link' not in nothing.headers
    for n in ('x', '-1', ''):
        assert ask('GET', f'/v2/tags/tags/list?n={n}').code == 'PAGINATION_NUMBER_INVALID'


def test_catalog_is_listed_in_pages(holdfast, ask):
    for name in ('cat/b', 'cat/a', 'cat/c'):
        push_image(holdfast, name, '1')
    holdfast.push_blob('cat/empty', b'x')
    names = ask('GET', '/v2/_catalog').json()['repositories']
    assert names == sorted(names) and 'cat/empty' not in names
    answer = ask('GET', '/v2/_catalog?n=2&last=cat')
    assert answer.json()['repositories'] == ['cat/a', 'cat/b']
    assert answer.headers['Link'] == '</v2/_catalog?n=2&last=cat/b>; rel="next"'
    assert ask('GET', '/v2/_catalog?n=0').json() == {'repositories': []}


def test_referrers(holdfast, ask):
    subject, _ = push_image(holdfast, 'refer', '1')
    path = f'/v2/refer/referrers/{digest_of(subject)}'
    for empty in (path, f'/v2/refer/referrers/sha256:{"0" * 64}', f'/v2/nobody/referrers/{digest_of(b"")}'):
        answer = ask('GET', empty)
        assert answer.status == 200 and answer.json()['manifests'] == []
        assert answer.headers['Content-Type'] == OCI_INDEX
    kinds = {}
    for kind in ('application/x.sbom', 'application/x.signature'):
        config = kind.encode()
        document, answer = push_image(holdfast, 'refer', kind.split('.')[1], config, artifactType=kind,
                                      annotations={'kind': kind}, subject=descriptor(subject, OCI_MANIFEST))
        assert answer.headers['OCI-Subject'] == digest_of(subject)
        kinds[kind] = {**descriptor(document, OCI_MANIFEST), 'artifactType': kind, 'annotations': {'kind': kind}}
    got = ask('GET', path).json()
    assert got['schemaVersion'] == 2 and got['mediaType'] == OCI_INDEX
    assert sorted(got['manifests'], key=lambda d: d['artifactType']) == list(kinds.values())
    filtered = ask('GET', path + '?artifactType=application/x.sbom')
    assert filtered.json()['manifests'] == [kinds['application/x.sbom']]
    assert filtered.headers['OCI-Filters-Applied'] == 'artifactType'
    assert ask('GET', path + '?artifactType=').json()['manifests'] == []
    page = ask('GET', path + '?n=1')
    rest = ask('GET', page.headers['Link'][1:].split('>')[0])
    assert len(page.json()['manifests']) == len(rest.json()['manifests']) == 1 and 'Link' not in rest.headers
    assert ask('DELETE', f'/v2/refer/manifests/{digest_of(subject)}').status == 202
    assert len(ask('GET', path).json()['manifests']) == 2
    gone = got['manifests'][0]['digest']
    assert ask('DELETE', f'/v2/refer/manifests/{gone}').status == 202
    assert [d['digest'] for d in ask('GET', path).json()['manifests']] == [got['manifests'][1]['digest']]


def test_delete(holdfast, ask):
    document, _ = push_image(holdfast, 'delete', 'a')
    push_image(holdfast, 'delete', 'b')
    digest = digest_of(document)
    assert ask('DELETE', '/v2/delete/manifests/a').status == 202
    assert ask('HEAD', '/v2/delete/manifests/a').status == 404
    assert ask('HEAD', '/v2/delete/manifests/b').status == 200
    assert ask('DELETE', '/v2/delete/manifests/a').code == 'MANIFEST_UNKNOWN'
    assert ask('DELETE', f'/v2/delete/manifests/{digest}').status == 202
    assert ask('HEAD', '/v2/delete/manifests/b').status == 404
    blob = f'/v2/delete/blobs/{digest_of(b"{}")}'
    assert ask('DELETE', blob).status == 202
    assert ask('DELETE', blob).code == 'BLOB_UNKNOWN'
    assert ask('GET', blob).code == 'BLOB_UNKNOWN'
    assert holdfast.push_blob('delete', b'{}').status == 201
    assert ask('GET', blob).body == b'{}'


def test_blobs_are_isolated_by_repository_and_can_be_mounted(holdfast, ask):
    data = b'shared bytes'
    digest = digest_of(data)
    assert holdfast.push_blob('source', data).status == 201
    assert ask('HEAD', f'/v2/target/blobs/{digest}').status == 404
    for query in (f'?mount={digest}&from=source&origin=x', f'?from=source&mount={digest.replace(":", "%3A")}'):
        answer = ask('POST', f'/v2/target/blobs/uploads/{query}')
        assert answer.status == 201 and answer.headers['Location'] == f'/v2/target/blobs/{digest}'
    assert ask('GET', f'/v2/target/blobs/{digest}').body == data
    for query in (f'?mount={digest}&from=nowhere', f'?mount={digest_of(b"none")}&from=source', f'?mount={digest}',
                  f'?mount={digest}&from=../x'):
        answer = ask('POST', f'/v2/third/blobs/uploads/{query}')
        assert answer.status == 202 and answer.headers['Location'].startswith('/v2/third/blobs/uploads/'), query


def test_same_blob_from_many_at_once(holdfast):
    data = hashlib.sha256(b'seed').digest() * 40000
    digest = digest_of(data)

    def push(number):
        answer = holdfast.request('POST', f'/v2/same{number % 2}/blobs/uploads/', auth=holdfast.user)
        where = answer.headers['Location']
        assert holdfast.request('PATCH', where, body=data, auth=holdfast.user).status == 202
        return holdfast.request('PUT', f'{where}?digest={digest}', auth=holdfast.user).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(push, range(8))) == [201] * 8
    assert holdfast.request('GET', f'/v2/same1/blobs/{digest}', auth=holdfast.user).body == data


def read_some(holdfast, path, n):
    """Read the head and ${n} bytes of a GET, then hang up."""
    context = ssl.create_default_context(cafile=str(holdfast.ca))
    who = base64.b64encode(':'.join(holdfast.user).encode()).decode()
    with context.wrap_socket(socket.create_connection(('localhost', holdfast.port)), server_hostname='localhost') as s:
        s.sendall(f'GET {path} HTTP/1.1\r\nHost: {holdfast.host}\r\nAuthorization: Basic {who}\r\n\r\n'.encode())
        got = b''
        while b'\r\n\r\n' not in got or len(got.split(b'\r\n\r\n', 1)[1]) < n:
            got += s.recv(4096)
    return got.split(b'\r\n\r\n', 1)[1][:n]


def test_interrupted_pull_goes_on_with_range(holdfast, ask):
    data = hashlib.sha512(b'seed').digest() * 100000
    assert holdfast.push_blob('resume', data).status == 201
    path = f'/v2/resume/blobs/{digest_of(data)}'
    first = read_some(holdfast, path, 300000)
    rest = ask('GET', path, headers={'Range': f'bytes={len(first)}-'})
    assert rest.status == 206 and digest_of(first + rest.body) == digest_of(data)


def test_azure_view(holdfast, ask):
    document, _ = push_image(holdfast, 'azure/web', 'v1')
    digest = digest_of(document)
    got = ask('GET', '/acr/v1/azure%2Fweb').json()
    assert (got['imageName'], got['manifestCount'], got['tagCount']) == ('azure/web', 1, 1)
    tags = ask('GET', '/acr/v1/azure/web/_tags?n=100&api-version=2021-07-01').json()
    assert [(t['name'], t['digest']) for t in tags['tags']] == [('v1', digest)]
    assert ask('GET', '/acr/v1/azure/web/_tags/v1').json()['tag']['digest'] == digest
    manifests = ask('GET', '/acr/v1/azure/web/_manifests').json()['manifests']
    assert manifests[0]['digest'] == digest and manifests[0]['tags'] == ['v1']
    assert ask('GET', f'/acr/v1/azure/web/_manifests/{digest}').json()['manifest']['mediaType'] == OCI_MANIFEST
    assert 'azure/web' in ask('GET', '/acr/v1/_catalog').json()['repositories']
    assert ask('DELETE', '/acr/v1/azure/web/_tags/v1').status == 202
    gone = ask('DELETE', '/acr/v1/azure/web')
    assert gone.status == 202 and gone.json() == {'manifestsDeleted': 1, 'tagsDeleted': 0}
    assert ask('GET', '/acr/v1/azure/web').code == 'NAME_UNKNOWN'
    assert ask('GET', f'/v2/azure/web/blobs/{digest_of(b"{}")}').status == 404


def test_old_protocol_is_refused_in_json(holdfast):
    for path in ('/v1/_ping', '/v1/search?q=x&n=25'):
        answer = holdfast.request('GET', path)
        assert answer.status == 404 and answer.code == 'UNSUPPORTED'
