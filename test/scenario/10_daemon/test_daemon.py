"""holdfastd as its operator sees it: first start, ready lines, signals, hosts, health, and what is left behind."""
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest

from daemon_rig import BUILD, run

DAEMON = BUILD / 'src' / 'daemon' / 'holdfastd'
HOLDFAST_ID, VAULT_ID = 64100, 64101


def children_of(pid):
    """Every process below pid, as (pid, uid, name)."""
    found, queue = [], [pid]
    while queue:
        at = queue.pop()
        for task in pathlib.Path(f'/proc/{at}/task').glob('*/children'):
            for child in task.read_text().split():
                status = pathlib.Path(f'/proc/{child}/status').read_text()
                name = re.search(r'Name:\s+(.*)', status).group(1)
                found.append((int(child), int(re.search(r'Uid:\s+(\d+)', status).group(1)), name))
                queue.append(int(child))
    return found


def test_help_and_nonsense():
    assert 'usage: holdfastd' in run([DAEMON, '--help']).stdout
    assert run([DAEMON, '--version']).stdout.startswith('holdfastd ')
    for words in (['--nothing'], ['--http', '0.0.0.0:80'], ['--listen', 'nowhere'], ['--data']):
        refused = run([DAEMON, *words], check=False)
        assert refused.returncode == 2 and refused.stderr.startswith('holdfastd: '), refused


def test_first_start_makes_what_is_promised(holdfast):
    admin = holdfast.admin
    assert set(admin) == {'username', 'password', 'tenantId', 'subscriptionId', 'loginServer', 'clientId',
                          'clientSecret'}
    assert admin['loginServer'] == holdfast.host
    for path, mode in (('.', 0o1770), ('bootstrap/admin.json', 0o600), ('tls/server.pem', 0o600),
                       ('tls/ca-key.pem', 0o600), ('holdfast.db', 0o600), ('vault', 0o700)):
        assert stat.S_IMODE((holdfast.data / path).stat().st_mode) == mode, path
    assert {r['name'] for r in holdfast.arm('GET', f'/subscriptions/{admin["subscriptionId"]}/resourcegroups',
                                            expect=[200]).json()['value']} == {'default'}


def as_the_daemon(script):
    """What a daemon under somebody else's control could do: python as its user."""
    return subprocess.run(['/usr/bin/python3', '-c', script], user=HOLDFAST_ID, group=HOLDFAST_ID, extra_groups=[],
                          capture_output=True, text=True)


def test_the_daemon_cannot_replace_the_vault(holdfast):
    vault = holdfast.data / 'vault'
    before = vault.stat()
    told = as_the_daemon(f'import os; os.rename({str(vault)!r}, {str(vault) + ".old"!r})')
    assert 'PermissionError' in told.stderr, told
    assert (vault.stat().st_ino, vault.stat().st_uid) == (before.st_ino, VAULT_ID)
    assert as_the_daemon(f'open({str(holdfast.data / "own")!r}, "w"); import os; os.unlink({str(holdfast.data / "own")!r})'
                         ).returncode == 0


def test_a_link_in_place_of_the_vault_is_not_followed_by_root(new_holdfast):
    daemon = new_holdfast()
    victim = daemon.folder / 'victim'
    victim.mkdir(mode=0o755)
    (victim / 'kept').write_text('x')
    daemon.data.mkdir(exist_ok=True)
    (daemon.data / 'vault').symlink_to(victim)
    (daemon.data / 'bootstrap').mkdir()
    (daemon.data / 'bootstrap/begun').write_text('')
    refused = run([DAEMON, '--data', str(daemon.data), '--http', '127.0.0.1:0'], check=False)
    assert refused.returncode != 0, refused
    assert victim.stat().st_uid == 0 and stat.S_IMODE(victim.stat().st_mode) == 0o755
    assert (victim / 'kept').exists()


def test_each_process_has_one_power(holdfast):
    me = pathlib.Path(f'/proc/{holdfast.process.pid}/status').read_text()
    assert re.search(rf'Uid:\s+{HOLDFAST_ID}\s+{HOLDFAST_ID}\s+{HOLDFAST_ID}', me), me
    assert re.search(r'CapEff:\s+0+$', me, re.M) and re.search(r'CapPrm:\s+0+$', me, re.M), me
    assert re.search(r'NoNewPrivs:\s+1', me) and re.search(r'Groups:\s*$', me, re.M), me
    deadline = time.time() + 10
    while time.time() < deadline:
        by_name = {name: uid for _, uid, name in children_of(holdfast.process.pid)}
        if 'holdfast-runner' in by_name:
            break
        time.sleep(0.1)
    assert by_name['holdfast-vaultd'] == VAULT_ID and by_name['holdfast-runner'] == 0, by_name
    vault = next(pid for pid, _, name in children_of(holdfast.process.pid) if name == 'holdfast-vaultd')
    status = pathlib.Path(f'/proc/{vault}/status').read_text()
    assert re.search(r'CapEff:\s+0+$', status, re.M) and re.search(r'Seccomp:\s+2', status), status


def test_nothing_of_the_second_start_is_new(new_holdfast):
    first = new_holdfast().start()
    before = (first.admin, first.ca.read_bytes())
    token = first.token('repository:a:pull')
    first.restart()
    assert (first.admin, first.ca.read_bytes()) == before
    assert first.request('GET', '/v2/', token=token).status == 200   # the signing key is the same


def test_a_first_start_that_was_cut_off_begins_again(new_holdfast):
    """kill -9 at every group of the first start: the next one ends with credentials that work."""
    daemon = new_holdfast()
    for count in range(1, 12):
        daemon.start('--crash-at', f'db.group.commit:{count}', wait=False)
        try:
            daemon.wait_killed(10)
        except subprocess.TimeoutExpired:
            break
    daemon.kill()
    assert count > 2
    daemon.start()
    assert daemon.request('GET', '/v2/', auth=daemon.user).status == 200
    assert daemon.request('GET', '/v2/', auth=daemon.principal).status == 200


def test_a_second_daemon_on_one_folder_is_refused(holdfast):
    second = run([DAEMON, '--data', holdfast.data, '--listen', '127.0.0.1:0'], check=False, timeout=20)
    assert second.returncode == 1 and 'another holdfastd' in second.stderr, second
    assert holdfast.request('GET', '/healthz').status == 200


def test_term_drains_and_ends_with_zero(new_holdfast):
    daemon = new_holdfast().start()
    with socket.create_connection(('127.0.0.1', daemon.http_port)) as slow:
        slow.sendall(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
        time.sleep(0.2)
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        slow.sendall(b'\r\n')
        assert slow.recv(100).startswith(b'HTTP/1.1 200')
    assert daemon.process.wait(timeout=20) == 0
    daemon.process = None


def test_hup_reads_certificates_again(new_holdfast):
    daemon = new_holdfast().start()

    def serial():
        pem = ssl.get_server_certificate(('127.0.0.1', daemon.port))
        return run(['openssl', 'x509', '-noout', '-serial'], input=pem).stdout

    before = serial()
    pem = daemon.data / 'tls' / 'server.pem'
    owner = pem.stat()
    run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=new',
         '-days', '30', '-keyout', daemon.folder / 'k', '-out', daemon.folder / 'c'])
    pem.write_bytes((daemon.folder / 'k').read_bytes() + (daemon.folder / 'c').read_bytes())
    os.chown(pem, owner.st_uid, owner.st_gid)
    daemon.process.send_signal(signal.SIGHUP)
    deadline = time.time() + 10
    while serial() == before and time.time() < deadline:
        time.sleep(0.1)
    theirs = serial()
    assert theirs != before
    daemon.restart()
    assert serial() == theirs   # what the owner put there is never replaced


def test_hup_reads_the_configuration_again(new_holdfast):
    daemon = new_holdfast()
    config = daemon.folder / 'holdfast.yaml'
    config.write_text('logLevel: error\n')
    config.chmod(0o644)
    daemon.start('--config', config)
    foreign = {'Host': f'registry.example.org:{daemon.port}'}
    assert daemon.request('GET', '/v2/', headers=foreign).status == 404
    config.write_text('names: [registry.example.org]\nlogLevel: debug\n')
    daemon.process.send_signal(signal.SIGHUP)
    deadline = time.time() + 10
    while daemon.request('GET', '/v2/', headers=foreign).status == 404 and time.time() < deadline:
        time.sleep(0.1)
    assert daemon.request('GET', '/v2/', headers=foreign).status == 401
    assert 'DNS:registry.example.org' in run(['openssl', 'x509', '-noout', '-ext', 'subjectAltName'],
                                             input=ssl.get_server_certificate(('127.0.0.1', daemon.port))).stdout
    config.write_text('names: {}\n')
    daemon.process.send_signal(signal.SIGHUP)
    while 'nothing was reloaded' not in daemon.log() and time.time() < deadline + 10:
        time.sleep(0.1)
    assert daemon.request('GET', '/v2/', headers=foreign).status == 401   # nonsense changes nothing


def test_a_full_disk_is_said_and_survived(new_holdfast):
    daemon = new_holdfast()
    daemon.data.mkdir()
    run(['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', daemon.data])
    try:
        daemon.start()
        kept = daemon.push_blob('a', b'x' * 100000)
        assert kept.status == 201
        full = daemon.push_blob('a', os.urandom(24 << 20))
        assert full.status == 507 and 'space' in full.json()['errors'][0]['message'].lower(), full
        assert daemon.request('GET', '/healthz').status == 200
        assert daemon.request('GET', f'/v2/a/blobs/{kept.headers["Docker-Content-Digest"]}',
                              auth=daemon.user).body == b'x' * 100000
        assert daemon.push_blob('a', b'y' * 100000).status == 201   # what was begun has gone again
        daemon.stop()
    finally:
        run(['umount', '-l', daemon.data])


def test_a_killed_key_service_comes_back(new_holdfast):
    daemon = new_holdfast().start()
    vault = next(pid for pid, _, name in children_of(daemon.process.pid) if name == 'holdfast-vaultd')
    os.kill(vault, signal.SIGKILL)
    deadline = time.time() + 20
    while time.time() < deadline:
        answer = daemon.request('GET', '/oauth2/token?scope=repository:a:pull', auth=daemon.user)
        if answer.status == 200:
            break
        assert answer.status == 500, answer
        time.sleep(0.2)
    assert answer.status == 200, answer


def test_as_a_plain_user_everything_is_served_but_containers(new_holdfast):
    """Another user id, no capabilities: the registry works, a container group is refused with the reason."""
    daemon = new_holdfast()
    daemon.folder.chmod(0o777)
    binary = [str(DAEMON), '--data', str(daemon.data), '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0']
    daemon.process = subprocess.Popen(['setpriv', '--reuid=64999', '--regid=64999', '--clear-groups', *binary],
                                      stdout=subprocess.PIPE, stderr=open(daemon.log_path, 'ab'))
    daemon.port = int(daemon.process.stdout.readline().decode().rsplit(':', 1)[1])
    daemon.http_port = int(daemon.process.stdout.readline().decode().rsplit(':', 1)[1])
    assert 'not started by root' in daemon.log()
    assert daemon.push_blob('a', b'bytes').status == 201
    group = (f'/subscriptions/{daemon.admin["subscriptionId"]}/resourceGroups/default/providers/'
             'Microsoft.ContainerInstance/containerGroups/g')
    refused = daemon.arm('PUT', group, {'location': 'local', 'properties': {
        'osType': 'Linux', 'containers': [{'name': 'c', 'properties': {
            'image': 'a:1', 'resources': {'requests': {'cpu': 1, 'memoryInGB': 1}}}}]}})
    assert refused.status >= 400 and 'root' in refused.json()['error']['message'], refused
    daemon.stop()


@pytest.mark.parametrize('host, status', [
    ('localhost', 401), ('127.0.0.1', 401), ('[::1]', 401), ('holdfast.azurecr.localhost', 401),
    ('evil.test', 404), ('localhost.evil.test', 404), ('x.y.azurecr.localhost', 404), ('management.localhost', 404),
])
def test_only_our_hosts_are_served(holdfast, host, status):
    answer = holdfast.request('GET', '/v2/', headers={'Host': f'{host}:{holdfast.port}'})
    assert answer.status == status, answer
    assert answer.json()['errors'][0]['detail']


def test_health_and_metrics(holdfast):
    assert holdfast.request('GET', '/healthz').body == b'ok\n'
    assert holdfast.request('GET', '/readyz').status == 200
    metrics = holdfast.request('GET', '/metrics')
    assert metrics.status == 200 and metrics.headers['Content-Type'].startswith('text/plain; version=0.0.4')
    text = metrics.body.decode()
    for name in ('holdfast_http_requests_total{class="2xx"}', 'holdfast_http_connections ', 'holdfast_runner_up '):
        assert re.search(rf'^{re.escape(name)}\s*\d+$', text, re.M), text


def test_what_is_not_there_is_said(holdfast):
    assert holdfast.request('GET', '/nothing').status == 404
    assert holdfast.request('DELETE', '/healthz').status == 405
    assert holdfast.request('GET', '/%zz').status == 400


def test_every_answer_and_log_line_has_the_request_id(holdfast):
    answer = holdfast.request('GET', '/v2/nothing/here/manifests/1', auth=holdfast.user)
    assert answer.status == 404
    line = next(l for l in holdfast.log().splitlines() if answer.headers['X-Request-Id'] in l)
    assert json.loads(line)['status'] == 404


def test_secrets_are_nowhere_but_in_the_bootstrap_file(new_holdfast):
    """Passwords, tokens and refresh tokens: not in logs, the database, argv, or any other file."""
    daemon = new_holdfast().start()
    wrong = 'Wr0ng-' + os.urandom(8).hex()
    daemon.request('GET', '/v2/', auth=('admin', wrong))
    daemon.request('POST', '/adfs/oauth2/token', body=f'grant_type=password&username=admin&password={wrong}',
                   headers={'Content-Type': 'application/x-www-form-urlencoded'})
    token = daemon.token('repository:a:pull,push')
    daemon.request('GET', '/v2/a/tags/list', token=token)
    planted = [daemon.user[1], daemon.principal[1], wrong, token, token.rsplit('.', 1)[1]]
    for pid, _, _ in [(daemon.process.pid, 0, '')] + children_of(daemon.process.pid):
        argv = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
        assert not any(secret.encode() in argv for secret in planted)
    daemon.stop()
    for path in daemon.folder.rglob('*'):
        if not path.is_file() or path.name == 'admin.json':
            continue
        data = path.read_bytes()
        assert not any(secret.encode() in data for secret in planted), path
