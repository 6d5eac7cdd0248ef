"""Who may do what: tokens, roles on repositories, mounts, and what a stranger learns."""

import pytest

from daemon_rig import OCI_MANIFEST, descriptor, digest_of

SECRET = b'only for those who may read'


@pytest.fixture(scope='module')
def world(holdfast):
    """A registry with a reader: the service principal may pull "readable" and nothing else."""
    for repository in ('readable', 'hidden'):
        assert holdfast.push_blob(repository, SECRET).status == 201
        document = {'schemaVersion': 2, 'config': descriptor(SECRET, 'application/x'), 'layers': []}
        assert holdfast.push_manifest(repository, '1', document).status == 201
    holdfast.principal_id = holdfast.demote_principal(('AcrPull', 'readable'))
    return holdfast


def test_reader_reads_what_was_given(world):
    for who in ({'auth': world.principal}, {'token': world.token('repository:readable:pull', auth=world.principal)}):
        assert world.request('GET', '/v2/readable/manifests/1', **who).status == 200
        assert world.request('GET', f'/v2/readable/blobs/{digest_of(SECRET)}', **who).body == SECRET
        assert world.request('GET', '/v2/readable/tags/list', **who).json()['tags'] == ['1']


@pytest.mark.parametrize('method, path', [
    ('POST', '/v2/readable/blobs/uploads/'), ('PUT', '/v2/readable/manifests/2'), ('DELETE', '/v2/readable/manifests/1'),
    ('DELETE', f'/v2/readable/blobs/{digest_of(SECRET)}')])
def test_refusal_names_what_is_missing_to_those_who_may_know(world, method, path):
    answer = world.request(method, path, auth=world.principal, headers={'Content-Type': OCI_MANIFEST})
    assert answer.status == 403 and answer.code == 'DENIED'
    detail = answer.json()['errors'][0]['detail']
    assert detail['scope'] == world.registry_id + '/repositories/readable'
    wanted = ('Microsoft.ContainerRegistry/registries/artifacts/delete' if method == 'DELETE'
              else 'Microsoft.ContainerRegistry/registries/push/write')
    assert detail['action'] == wanted and detail['role'] in ('AcrPush', 'AcrDelete', 'Contributor', 'Owner')
    assert world.request('GET', '/v2/readable/manifests/1', auth=world.user).status == 200


def test_stranger_cannot_tell_what_exists(world):
    """A repository that is there and one that is not give the same answers, but for the request's id and names."""
    paths = ['/v2/{}/manifests/1', '/v2/{}/tags/list', f'/v2/{{}}/blobs/{digest_of(SECRET)}', '/acr/v1/{}', '/acr/v1/{}/_tags',
             f'/v2/{{}}/referrers/{digest_of(SECRET)}']
    for path in paths:
        for who in ({}, {'auth': world.principal}):
            there = world.request('GET', path.format('hidden'), **who)
            not_there = world.request('GET', path.format('nosuch'), **who)
            assert there.status == not_there.status == (403 if who else 401)
            assert there.body.replace(b'hidden', b'nosuch') == not_there.body
            assert b'role' not in there.body or b'Acr' not in there.body


def test_token_for_one_repository_is_useless_on_another(world):
    token = world.token('repository:readable:pull,push')
    assert world.request('GET', '/v2/readable/manifests/1', token=token).status == 200
    for method, path in (('GET', '/v2/hidden/manifests/1'), ('POST', '/v2/hidden/blobs/uploads/'),
                         ('DELETE', '/v2/readable/manifests/1'), ('GET', '/v2/_catalog')):
        answer = world.request(method, path, token=token)
        assert answer.status == 401 and answer.code == 'UNAUTHORIZED', (path, answer)
        assert 'scope="' in answer.headers['WWW-Authenticate']
    assert world.request('GET', '/v2/', token=token).status == 200


def test_token_gives_no_more_than_the_roles(world):
    """Asked for everything, the reader's token still only reads; nor does one for another repository help."""
    token = world.token('repository:readable:pull,push,delete', 'repository:hidden:pull', auth=world.principal)
    assert world.request('GET', '/v2/readable/manifests/1', token=token).status == 200
    assert world.request('GET', '/v2/hidden/manifests/1', token=token).status == 403
    answer = world.request('POST', '/v2/readable/blobs/uploads/', token=token)
    assert answer.status == 403 and answer.code == 'DENIED'


def test_bad_tokens(world):
    token = world.token('repository:readable:pull')
    head, body, signature = token.split('.')
    for forged in ('x', f'{head}.{body}.', f'{head}.{body}.{signature[:-4]}AAAA', f'{head}.{body[:-4]}AAAA.{signature}'):
        answer = world.request('GET', '/v2/readable/manifests/1', token=forged)
        assert answer.status == 401 and answer.headers['WWW-Authenticate'].startswith('Bearer ')
    assert world.request('GET', '/v2/', auth=('admin', 'wrong')).status == 401


def test_mount_of_what_one_may_not_read(world):
    """Like what does not exist: 202, never 201, never an error; and nothing was mounted."""
    world.grant(world.principal_id, 'AcrPush', world.registry_id + '/repositories/mine')
    digest = digest_of(SECRET)
    pushes = world.token('repository:mine:pull,push', auth=world.principal)
    both = world.token('repository:mine:pull,push', 'repository:readable:pull', auth=world.principal)
    for who in ({'token': pushes}, {'token': both}, {'auth': world.principal}):
        for source in ('hidden', 'nosuch'):
            answer = world.request('POST', f'/v2/mine/blobs/uploads/?mount={digest}&from={source}', **who)
            assert answer.status == 202, answer
    # Readable by role, but not by this token.
    answer = world.request('POST', f'/v2/mine/blobs/uploads/?mount={digest}&from=readable', token=pushes)
    assert answer.status == 202, answer
    assert world.request('HEAD', f'/v2/mine/blobs/{digest}', auth=world.user).status == 404
    answer = world.request('POST', f'/v2/mine/blobs/uploads/?mount={digest}&from=readable', token=both)
    assert answer.status == 201, answer


def test_unknown_registry_host(world):
    answer = world.request('GET', '/v2/', headers={'Host': f'other.azurecr.localhost:{world.port}'}, auth=world.user)
    assert answer.status == 404 and answer.code == 'NAME_UNKNOWN'
    answer = world.request('GET', '/v2/readable/manifests/1', headers={'Host': f'holdfast.azurecr.localhost:{world.port}'},
                           auth=world.user)
    assert answer.status == 200
    assert world.request('GET', '/v2/', headers={'Host': 'evil.example'}, auth=world.user).status == 404


def test_a_stranger_does_not_learn_which_registries_exist(world):
    """Status, headers and body are the same for a registry that exists and for one that does not."""
    def seen(name, path, **who):
        host = f'{name}.azurecr.localhost:{world.port}'
        answer = world.request('GET', path, headers={'Host': host}, **who)
        headers = sorted((k, v) for k, v in answer.headers.items() if k not in ('Date', 'X-Request-Id'))
        return answer.status, str(headers).replace(host, 'HOST'), answer.body.replace(host.encode(), b'HOST')

    world.arm('PUT', world.registry_id.replace('/holdfast', '/visible'),
              {'location': 'local', 'sku': {'name': 'Premium'}, 'properties': {}}, expect=[200, 201, 202])
    for path in ('/v2/', '/v2/a/tags/list', '/v2/a/manifests/1', '/v2/_catalog', '/oauth2/token?scope=repository:a:pull'):
        there, absent = seen('visible', path), seen('absent', path)
        assert there == absent and there[0] == 401, (path, there, absent)
        for name in ('visible', 'absent'):   # each time somebody else: wrong passwords wait longer and longer
            assert seen(name, path, auth=(f'nobody{path}{name}'.replace(':', ''), 'wrong'))[0] == 401
    world.arm('DELETE', world.registry_id.replace('/holdfast', '/visible'), expect=[200, 202, 204])


def test_registry_made_through_arm(world):
    """Another registry has its own repositories; removed and made again, it is empty."""
    path = world.registry_id.replace('/holdfast', '/second')
    host = {'Host': f'second.azurecr.localhost:{world.port}'}
    body = {'location': 'local', 'sku': {'name': 'Premium'}, 'properties': {}}
    for _ in range(2):
        world.arm('PUT', path, body, expect=[200, 201])
        assert world.request('GET', '/v2/readable/manifests/1', headers=host, auth=world.user).code == 'NAME_UNKNOWN'
        answer = world.request('POST', f'/v2/own/blobs/uploads/?digest={digest_of(b"x")}', body=b'x', headers=host,
                               auth=world.user)
        assert answer.status == 201
        assert world.request('HEAD', f'/v2/own/blobs/{digest_of(b"x")}', auth=world.user).status == 404
        world.arm('DELETE', path, expect=[200, 202, 204])
    world.arm('PUT', path, body, expect=[200, 201])
    assert world.request('HEAD', f'/v2/own/blobs/{digest_of(b"x")}', headers=host, auth=world.user).status == 404


def test_roles_go_with_what_they_were_for(world):
    """Whoever makes a registry of the same name again does not inherit who could read the old one."""
    path = world.registry_id.replace('/holdfast', '/third')
    host = {'Host': f'third.azurecr.localhost:{world.port}'}
    for role, scope in (('AcrPull', path), ('AcrPush', f'{path}/repositories/own')):
        world.arm('PUT', path, {'location': 'local'}, expect=[200, 201])
        world.grant(world.principal_id, role, scope)
        assert world.request('GET', '/v2/own/tags/list', headers=host, auth=world.principal).status == 404
        world.arm('DELETE', path, expect=[200])
        world.arm('PUT', path, {'location': 'local'}, expect=[201])
        assert world.request('GET', '/v2/own/tags/list', headers=host, auth=world.principal).status == 403
        world.arm('DELETE', path, expect=[200])
    assert not [a for a in world.assignments() if '/third' in a['properties']['scope']]
    assert world.request('GET', '/v2/readable/manifests/1', auth=world.principal).status == 200
