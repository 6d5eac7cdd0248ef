"""The tokens of both services, read and checked by implementations that are not ours: PyJWT and openssl."""
import base64
import json
import subprocess
import time
import urllib.parse

import jwt
import pytest

FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
SCOPE = 'repository:app/web'


def form(holdfast, path, chunked=False, **fields):
    pairs = [(k, v) for k, vs in fields.items() for v in (vs if isinstance(vs, list) else [vs])]
    body = urllib.parse.urlencode(pairs).encode()
    if chunked:
        return holdfast.request('POST', path, body=iter([body[:7], body[7:]]),
                                headers={**FORM, 'Transfer-Encoding': 'chunked'}, chunked=True)
    return holdfast.request('POST', path, body=body, headers=FORM)


def login(holdfast, path='/adfs/oauth2/token', **fields):
    return form(holdfast, path, **fields)


def management_token(holdfast):
    user, password = holdfast.user
    answer = login(holdfast, grant_type='password', username=user, password=password, client_id='az',
                   scope=f'https://localhost:{holdfast.port}//.default offline_access openid profile')
    assert answer.status == 200, answer
    return answer.json()


def verified(holdfast, token, audience):
    """Check a token against the published keys, with nothing of ours."""
    keys = holdfast.request('GET', '/adfs/discovery/keys').json()['keys']
    header = jwt.get_unverified_header(token)
    key = next(k for k in keys if k['kid'] == header['kid'])
    assert header['alg'] == key['alg']
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=[header['alg']], audience=audience)


@pytest.fixture(scope='module')
def service(holdfast):
    return f'localhost:{holdfast.port}'


def token_get(holdfast, query, auth=None, token=None):
    return holdfast.request('GET', '/oauth2/token?' + query, auth=auth, token=token)


def test_registry_token_is_a_jwt_that_others_can_check(holdfast, service):
    answer = token_get(holdfast, f'service={service}&scope={SCOPE}:push,pull&account=admin&client_id=docker', holdfast.user)
    assert answer.status == 200 and answer.headers['Cache-Control'] == 'no-store'
    document = answer.json()
    assert document['token'] == document['access_token'] and document['expires_in'] >= 60
    assert 'refresh_token' not in document and document['issued_at'].endswith('Z')
    claims = verified(holdfast, document['token'], service)
    assert jwt.get_unverified_header(document['token'])['alg'] == 'ES256'
    assert claims['sub'] == 'admin'
    assert claims['access'] == [{'type': 'repository', 'name': 'app/web', 'actions': ['pull', 'push']}]
    assert claims['nbf'] <= time.time() < claims['exp']
    assert holdfast.request('GET', '/v2/', token=document['token']).status == 200


def test_empty_scope_is_a_login_check(holdfast, service):
    answer = token_get(holdfast, f'service={service}', holdfast.user)
    assert verified(holdfast, answer.json()['token'], service)['access'] == []
    assert holdfast.request('GET', '/v2/', token=answer.json()['token']).status == 200
    for auth in (None, ('admin', 'wrong'), ('nobody', 'wrong')):
        refused = token_get(holdfast, f'service={service}', auth)
        assert refused.status == 401 and refused.code == 'UNAUTHORIZED'


def test_scopes_are_merged_repeated_and_dropped_silently(holdfast, service):
    query = (f'service={service}&scope={SCOPE}:pull&scope={SCOPE}:pull,push%20repository:b:delete,eat'
             '&scope=registry:catalog:*&scope=nonsense&scope=repository:NO%2F%2FNAME:pull&scope=repository:b:metadata_read')
    claims = verified(holdfast, token_get(holdfast, query, holdfast.user).json()['token'], service)
    assert {(a['name'], tuple(a['actions'])) for a in claims['access']} == {
        ('app/web', ('pull', 'push')), ('b', ('delete', 'metadata_read')), ('catalog', ('*',))}


def test_offline_token_buys_tokens_by_post(holdfast, service):
    refresh = token_get(holdfast, f'service={service}&offline_token=true', holdfast.user).json()['refresh_token']
    for chunked in (False, True):  # containers/image sends it chunked
        answer = form(holdfast, '/oauth2/token', chunked=chunked, grant_type='refresh_token', refresh_token=refresh,
                      service=service, scope=f'{SCOPE}:pull {SCOPE}:pull,push', client_id='containers/image')
        assert answer.status == 200, answer
        claims = verified(holdfast, answer.json()['access_token'], service)
        assert claims['access'] == [{'type': 'repository', 'name': 'app/web', 'actions': ['pull', 'push']}]
    user, password = holdfast.user
    offline = form(holdfast, '/oauth2/token', grant_type='password', username=user, password=password, service=service,
                   access_type='offline', client_id='containerd-client').json()
    assert offline['access_token'] and offline['refresh_token']


def test_post_refusals_are_json_with_a_detail(holdfast, service):
    for fields in ({'grant_type': 'password', 'username': 'admin', 'password': 'no'},
                   {'grant_type': 'refresh_token', 'refresh_token': 'a.b.c'}):
        answer = form(holdfast, '/oauth2/token', service=service, **fields)
        assert answer.status == 401 and answer.code == 'UNAUTHORIZED'
    assert form(holdfast, '/oauth2/token', grant_type='magic').status == 400
    assert form(holdfast, '/oauth2/token', x='y' * 70000).status == 413
    assert holdfast.request('POST', '/oauth2/token', body=b'a=%zz', headers=FORM).status == 400


def test_a_limited_token_never_buys_another(holdfast, service):
    limited = holdfast.token(f'{SCOPE}:pull')
    assert token_get(holdfast, f'service={service}&scope={SCOPE}:push', token=limited).status == 401
    assert form(holdfast, '/oauth2/token', grant_type='refresh_token', refresh_token=limited, service=service).status == 401
    assert form(holdfast, '/oauth2/exchange', grant_type='access_token', access_token=limited, service=service).status == 401


def test_a_token_holds_what_its_subject_may_do(new_holdfast):
    holdfast = new_holdfast().start()
    service = f'localhost:{holdfast.port}'
    holdfast.demote_principal(('AcrPull', 'readable'))
    query = f'service={service}&scope=repository:readable:pull,push&scope=repository:hidden:pull&scope=registry:catalog:*'
    token = token_get(holdfast, query, holdfast.principal).json()['token']
    access = {a['name']: a['actions'] for a in verified(holdfast, token, service)['access']}
    assert access == {'readable': ['pull'], 'hidden': [], 'catalog': []}
    # 403, not another 401: docker and ctr must not try again and again
    assert holdfast.request('POST', '/v2/readable/blobs/uploads/', token=token).status == 403
    assert holdfast.request('GET', '/v2/hidden/tags/list', token=token).status == 403


def test_acr_exchange_and_login(holdfast, service):
    arm = management_token(holdfast)['access_token']
    answer = form(holdfast, '/oauth2/exchange?api-version=2021-07-01', grant_type='access_token', service=service,
                  tenant=holdfast.admin['tenantId'], access_token=arm)
    refresh = answer.json()['refresh_token']
    assert answer.status == 200
    assert verified(holdfast, refresh, service)['exp'] > time.time() + 3600
    token = form(holdfast, '/oauth2/token?api-version=2021-07-01', grant_type='refresh_token', service=service,
                 scope='registry:catalog:*', refresh_token=refresh).json()['access_token']
    assert holdfast.request('GET', '/v2/_catalog', token=token).status == 200
    # docker login with ACR's user name, and Basic directly on a route
    acr = ('00000000-0000-0000-0000-000000000000', refresh)
    assert token_get(holdfast, f'service={service}', acr).status == 200
    assert holdfast.request('GET', '/v2/', auth=acr).status == 200
    assert holdfast.request('GET', '/subscriptions?api-version=2020-01-01', auth=acr).status == 401
    bad = form(holdfast, '/oauth2/exchange', grant_type='access_token', service=service, access_token=refresh)
    assert bad.status == 401 and bad.code == 'UNAUTHORIZED'


@pytest.mark.parametrize('base', ['/adfs', '/{tenant}/v2.0'])
def test_discovery_leads_to_tokens(holdfast, base):
    base = base.format(tenant=holdfast.admin['tenantId'])
    found = holdfast.request('GET', base + '/.well-known/openid-configuration').json()
    assert found['authorization_endpoint'].startswith('https://localhost:')
    path = urllib.parse.urlparse(found['token_endpoint']).path
    client, secret = holdfast.principal
    answer = login(holdfast, path, grant_type='client_credentials', client_id=client, client_secret=secret, client_info='1',
                   scope=f'https://localhost:{holdfast.port}//.default',
                   claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}')
    assert answer.status == 200 and answer.headers['Cache-Control'] == 'no-store'
    document = answer.json()
    assert document['token_type'] == 'Bearer' and 'refresh_token' not in document
    claims = verified(holdfast, document['access_token'], f'https://localhost:{holdfast.port}/')
    assert claims['iss'] == found['issuer'] and claims['tid'] == holdfast.admin['tenantId']
    assert claims['appid'] == client and claims['sub'] == claims['oid'] and claims['idtyp'] == 'app'
    assert jwt.get_unverified_header(document['access_token'])['alg'] == 'RS256'
    arm = holdfast.request('GET', '/subscriptions?api-version=2019-11-01', token=document['access_token'])
    assert arm.status == 200 and arm.json()['value'][0]['subscriptionId'] == holdfast.admin['subscriptionId']


def test_users_stay_signed_in(holdfast):
    document = management_token(holdfast)
    who = verified(holdfast, document['id_token'], 'az')
    assert who['preferred_username'] == who['upn'] == 'admin' and who['tid'] == holdfast.admin['tenantId']
    uid = json.loads(base64.urlsafe_b64decode(document['client_info'] + '=='))
    assert uid == {'uid': who['oid'], 'utid': holdfast.admin['tenantId']}
    again = login(holdfast, grant_type='refresh_token', refresh_token=document['refresh_token'], client_id='az',
                  scope=f'https://localhost:{holdfast.port}/.default').json()
    assert again['access_token'] and again['refresh_token']
    registry = login(holdfast, grant_type='refresh_token', refresh_token=document['refresh_token'],
                     scope='https://containerregistry.azure.net/.default').json()['access_token']
    service = f'localhost:{holdfast.port}'
    assert form(holdfast, '/oauth2/exchange', grant_type='access_token', service=service, access_token=registry).status == 200
    assert holdfast.request('GET', '/subscriptions?api-version=2019-11-01', token=registry).status == 401


@pytest.mark.parametrize('fields, status, error', [
    ({'grant_type': 'client_credentials', 'client_id': 'x', 'client_secret': 'y'}, 401, 'invalid_client'),
    ({'grant_type': 'password', 'username': 'ghost', 'password': 'y'}, 400, 'invalid_grant'),
    ({'grant_type': 'refresh_token', 'refresh_token': 'a.b.c'}, 400, 'invalid_grant'),
    ({'grant_type': 'device_code'}, 400, 'unsupported_grant_type'),
    ({}, 400, 'invalid_request')])
def test_login_refusals_are_oauth(holdfast, fields, status, error):
    answer = login(holdfast, **fields)
    assert answer.status == status and answer.json()['error'] == error
    assert answer.json()['error_description'].startswith('AADSTS')


def test_users_and_principals_have_their_own_grants(holdfast):
    user, password = holdfast.user
    client, secret = holdfast.principal
    assert login(holdfast, grant_type='client_credentials', client_id=user, client_secret=password).status == 401
    assert login(holdfast, grant_type='password', username=client, password=secret).status == 400
    assert login(holdfast, f'/{"0" * 8}-0000-0000-0000-{"0" * 12}/oauth2/v2.0/token',
                 grant_type='password').json()['error'] == 'invalid_tenant'


def test_a_basic_field_signs_a_client_in(holdfast):
    answer = holdfast.request('POST', '/adfs/oauth2/token', body=b'grant_type=client_credentials', headers=FORM,
                              auth=holdfast.principal)
    assert answer.status == 200 and answer.json()['access_token']
    answer = holdfast.request('POST', '/adfs/oauth2/token', body=b'grant_type=client_credentials', headers=FORM,
                              auth=('x', 'y'))
    assert answer.status == 401 and answer.json()['error'] == 'invalid_client'


def test_no_algorithm_and_no_stranger_is_believed(holdfast, service):
    good = holdfast.token(f'{SCOPE}:pull')
    claims = jwt.decode(good, options={'verify_signature': False})
    keys = holdfast.request('GET', '/adfs/discovery/keys').json()['keys']
    modulus = next(k['n'] for k in keys if k['kty'] == 'RSA')
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b'=').decode()
    forged = [jwt.encode(claims, modulus, algorithm='HS256'), f'{head}.{good.split(".")[1]}.',
              good[:-4] + ('AAAA' if good[-4:] != 'AAAA' else 'BBBB'), good + 'A', 'x', 'a.b.c', 'e30.e30.e30']
    for token in forged:
        answer = holdfast.request('GET', '/v2/', token=token)
        assert answer.status == 401 and 'Bearer' in answer.headers['WWW-Authenticate']
    assert holdfast.request('GET', '/v2/', token=good).status == 200


def test_openssl_trusts_the_certificate(holdfast):
    done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{holdfast.port}', '-CAfile', str(holdfast.ca),
                           '-servername', 'holdfast.azurecr.localhost', '-verify_hostname', 'holdfast.azurecr.localhost',
                           '-verify_return_error'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=30)
    assert done.returncode == 0 and 'Verify return code: 0 (ok)' in done.stdout


def test_wrong_passwords_are_slowed_down(new_holdfast):
    holdfast = new_holdfast().start()
    answers = [token_get(holdfast, 'service=x', ('victim', 'wrong')).status for _ in range(9)]
    assert answers[:5] == [401] * 5 and 429 in answers[5:]
    assert token_get(holdfast, 'service=x', holdfast.user).status == 200
