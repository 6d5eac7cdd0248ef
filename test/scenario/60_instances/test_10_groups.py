"""Container groups from outside: YAML in, containers running, the story told, nothing left."""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import pytest

from daemon_rig import Holdfast, Layout, busybox_files, free_port, run

API = 'api-version=2023-05-01'
TYPE = 'Microsoft.ContainerInstance/containerGroups'


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

    def leftovers(self):
        """What belongs to this place and should not be there when no group is."""
        mounts = [line for line in open('/proc/self/mounts') if str(self.folder) in line]
        return self.runner_ids(), mounts, self.supervisors()

    def supervisors(self):
        found = []
        for entry in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                words = entry.read_bytes()
            except OSError:
                continue
            if b'holdfast-supervisor' in words and str(self.folder).encode() in words:
                found.append(int(entry.parent.name))
        return found

    def runnerd(self):
        for entry in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            try:
                words = entry.read_bytes()
            except OSError:
                continue
            if b'holdfast-runnerd' in words and str(self.folder).encode() in words:
                return int(entry.parent.name)
        return None

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


# ---- the whole story ----

def test_the_story_from_yaml_to_why(place, tmp_path):
    port = free_port()
    (tmp_path / 'app.yaml').write_text(f'''
apiVersion: 2022-10-01-preview
location: local
name: story
type: Microsoft.ContainerInstance/containerGroups
tags: {{ team: web }}
properties:
  osType: Linux
  restartPolicy: Always
  ipAddress: {{ type: Public, ports: [ {{ port: {port}, protocol: TCP }} ] }}
  containers:
    - name: web
      properties:
        image: {place.image}
        command: [/bin/busybox, httpd, -f, -p, "{port}", -h, /www]
        ports: [ {{ port: {port} }} ]
        resources: {{ requests: {{ cpu: 0.5, memoryInGB: 0.1 }} }}
    - name: visitor
      properties:
        image: {place.image}
        command: [/bin/sh, -c, 'echo "token is $TOKEN"; exec /bin/busybox sleep 1000']
        environmentVariables: [ {{ name: TOKEN, secureValue: hush }} ]
        resources: {{ requests: {{ cpu: 0.5, memoryInGB: 0.1 }} }}
''')
    place.cli('container', 'create', '--file', tmp_path / 'app.yaml')
    assert fetch(port) == b'hello from holdfast\n'
    ends = time.monotonic() + 10
    while 'token is hush' not in place.cli('container', 'logs', '-n', 'story', '--container-name', 'visitor').stdout:
        assert time.monotonic() < ends
        time.sleep(0.05)
    shown = place.cli('container', 'show', '-n', 'story', '-o', 'json').stdout
    assert 'hush' not in shown
    group = json.loads(shown)
    assert group['tags'] == {'team': 'web'} and group['properties']['instanceView']['state'] == 'Running'
    view = group['properties']['containers'][0]['properties']['instanceView']
    assert view['currentState']['state'] == 'Running' and view['imageDigest'].startswith('sha256:')
    why = json.loads(place.cli('why', 'story', '-o', 'json').stdout)
    first = why['containers'][0]
    assert first['digest'] == view['imageDigest']
    for step in ('pushed', 'tagged', 'admitted'):
        assert first[step]['caller'] == 'admin' and first[step]['assignment'], (step, first)
    assert first['pushed']['digest'] == first['digest']
    assert why['deployed']['role'] == 'Owner'
    assert 'pushed' in place.cli('why', 'story').stdout
    # The secret value is nowhere a reader can see.
    for path in ('', '/why'):
        assert b'hush' not in place.ask('GET', 'story', path).body
    place.cli('container', 'delete', '-n', 'story', '-y')
    place.await_clean()


# ---- how containers end ----

def test_exit_codes_and_states(place):
    view, log = place.shell('ends-well', 'echo out; echo err >&2')
    assert view['currentState']['exitCode'] == 0 and view['currentState']['detailStatus'] == 'Completed'
    assert sorted(log.split()) == ['err', 'out'] and view['restartCount'] == 0
    assert place.show('ends-well')['properties']['instanceView']['state'] == 'Succeeded'
    view, _ = place.shell('ends-badly', 'exit 42')
    assert view['currentState']['exitCode'] == 42 and view['currentState']['detailStatus'] == 'Error'
    assert place.show('ends-badly')['properties']['instanceView']['state'] == 'Failed'
    for name in ('ends-well', 'ends-badly'):
        place.delete(name)


def test_on_failure_restarts_after_a_failure(place):
    place.put('fails', {'command': ['/bin/false']}, restart='OnFailure')
    place.wait('fails', lambda p: p['containers'][0]['properties']['instanceView']['currentState']['state'] == 'Waiting'
               and p['containers'][0]['properties']['instanceView'].get('previousState', {}).get('exitCode') == 1)
    place.delete('fails')
    view, _ = place.shell('works', 'exit 0', restart='OnFailure')
    assert view['restartCount'] == 0
    place.delete('works')


def test_a_program_that_is_not_there_is_told(place):
    place.put('nope', {'command': ['/no/such/program']})
    properties = place.wait('nope', lambda p: p['instanceView']['state'] == 'Failed')
    events = properties['containers'][0]['properties']['instanceView']['events']
    assert any(e['type'] == 'Warning' and e['message'] for e in events), events
    place.delete('nope')


def test_logs_tail_and_timestamps(place):
    _, log = place.shell('talks', 'i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; printf "a\\377b\\n"')
    assert len(log.splitlines()) == 51 and log.endswith('a\ufffdb\n')
    assert place.logs('talks', query='&tail=2') == 'line 49\na\ufffdb\n'
    stamped = place.logs('talks', query='&tail=2&timestamps=true').splitlines()
    assert all(line[4] == '-' and 'Z ' in line for line in stamped)
    assert place.ask('GET', 'talks', '/containers/other/logs').status == 404
    assert place.ask('GET', 'talks', '/containers/main/logs', query='&tail=x').status == 400
    place.delete('talks')


def test_stop_start_restart(place):
    place.put('turns', {'command': ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done']}, restart='Always')
    place.wait('turns', lambda p: p['instanceView']['state'] == 'Running')
    assert place.ask('POST', 'turns', '/stop').status == 204
    place.wait('turns', lambda p: p['instanceView']['state'] == 'Stopped'
               and p['containers'][0]['properties']['instanceView']['currentState']['state'] == 'Terminated', 45)
    assert place.ask('POST', 'turns', '/start').status == 204
    place.wait('turns', lambda p: p['instanceView']['state'] == 'Running')
    before = place.show('turns')['properties']['containers'][0]['properties']['instanceView']['currentState']['startTime']
    assert place.ask('POST', 'turns', '/restart').status == 204
    place.wait('turns', lambda p: p['instanceView']['state'] == 'Running' and p['containers'][0]['properties'][
        'instanceView']['currentState'].get('startTime', before) > before)
    assert place.ask('POST', 'turns', '/containers/main/exec', document={'command': 'sh'}).status >= 400
    place.delete('turns')


def test_a_changed_group_replaces_what_ran_and_keeps_its_port(place):
    port = free_port()
    place.put('changes', {'command': ['/bin/busybox', 'httpd', '-f', '-p', str(port), '-h', '/www']}, restart='Always',
              port=port)
    assert fetch(port) == b'hello from holdfast\n'
    first = place.runner_ids()
    place.put('changes', {'command': ['/bin/busybox', 'httpd', '-f', '-p', str(port), '-h', '/etc']}, restart='Always',
              port=port)
    place.wait('changes', lambda p: p['provisioningState'] == 'Succeeded' and p['instanceView']['state'] == 'Running')
    ends = time.monotonic() + 10
    while len(place.runner_ids()) != 1 or place.runner_ids() == first:
        assert time.monotonic() < ends, place.runner_ids()
        time.sleep(0.05)
    # The same again is no change: the containers go on.
    second = place.runner_ids()
    place.put('changes', {'command': ['/bin/busybox', 'httpd', '-f', '-p', str(port), '-h', '/etc']}, restart='Always',
              port=port)
    time.sleep(0.3)
    assert place.runner_ids() == second
    # Another group cannot have the port.
    answer = place.ask('PUT', 'second', document=place.document({'command': ['/bin/true']}, port=port))
    assert answer.status == 409 and answer.json()['error']['code'] == 'PortInUse', answer
    place.delete('changes')


# ---- what is refused ----

def refused(place, document, code=400):
    answer = place.ask('PUT', 'refused', document=document)
    assert answer.status == code, answer
    assert place.ask('GET', 'refused').status == 404
    return answer.json()['error']['message']


def test_bad_documents_are_refused_by_their_path(place):
    good = place.document({'command': ['/bin/true']})
    for path, change in {
        'properties.containers[0].properties.livenessProbe': lambda p: p['containers'][0]['properties'].update(
            livenessProbe={'exec': {'command': ['true']}}),
        'properties.containers[0].properties.imag': lambda p: p['containers'][0]['properties'].update(imag='x'),
        'properties.osType': lambda p: p.update(osType='Windows'),
        'properties.volumes[0].emptyDir': lambda p: p.update(volumes=[{'name': 'v', 'emptyDir': {}}]),
        'properties.initContainers': lambda p: p.update(initContainers=[{'name': 'i'}]),
    }.items():
        document = json.loads(json.dumps(good))
        change(document['properties'])
        assert path in refused(place, document)


def test_images_are_ours_and_there(place):
    document = place.document({'command': ['/bin/true']})
    document['properties']['containers'][0]['properties']['image'] = 'docker.io/library/nginx:1'
    assert 'no registry of this server' in refused(place, document)
    document['properties']['containers'][0]['properties']['image'] = f'{place.host}/app/web:9'
    assert 'push it first' in refused(place, document)


def test_who_may_not_pull_may_not_run(own_place):
    place = own_place
    principal = place.demote_principal()
    group = f'/subscriptions/{place.admin["subscriptionId"]}/resourceGroups/default'
    place.grant(principal, 'Contributor', group + f'/providers/{TYPE}/mine')
    document = json.dumps(place.document({'command': ['/bin/true']}))
    for image in (place.image, f'{place.host}/no/such:1'):
        changed = json.loads(document)
        changed['properties']['containers'][0]['properties']['image'] = image
        answer = place.request('PUT', place.group_id('mine') + '?' + API, body=json.dumps(changed),
                               headers={'Content-Type': 'application/json'}, auth=place.principal)
        assert answer.status == 403, answer
    place.grant(principal, 'AcrPull', place.registry_id)
    answer = place.request('PUT', place.group_id('mine') + '?' + API, body=document,
                           headers={'Content-Type': 'application/json'}, auth=place.principal)
    assert answer.status == 201, answer
    place.wait('mine', lambda p: p['instanceView']['state'] == 'Succeeded')


# ---- kill -9 ----

def test_containers_do_not_notice_when_daemons_die(own_place):
    place = own_place
    place.put('lives', {'command': ['/bin/sh', '-c', 'i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.1; done']},
              restart='Always')
    view = place.wait('lives', lambda p: p['instanceView']['state'] == 'Running')
    started = view['containers'][0]['properties']['instanceView']['currentState']['startTime']
    os.kill(place.runnerd(), signal.SIGKILL)
    time.sleep(0.5)
    place.kill()
    time.sleep(0.5)
    place.start()
    after = place.wait('lives', lambda p: p['instanceView']['state'] == 'Running'
                       and 'startTime' in p['containers'][0]['properties']['instanceView']['currentState'])
    state = after['containers'][0]['properties']['instanceView']
    assert state['currentState']['startTime'] == started and state['restartCount'] == 0
    ticks = [int(line.split()[1]) for line in place.logs('lives').splitlines()]
    assert ticks == list(range(len(ticks))) and len(ticks) > 8


@pytest.mark.parametrize('who', ['holdfastd', 'runnerd'])
@pytest.mark.parametrize('after_ms', [0, 25, 90])
def test_kill_at_any_moment_of_create_and_delete(own_place, who, after_ms):
    place = own_place
    for action in ('create', 'delete'):
        words = (['create', '--no-wait', '-n', 'killed', '--image', place.image, '--command-line', '/bin/sleep 1000',
                  '--memory', '0.1'] if action == 'create' else ['delete', '-n', 'killed', '-y'])
        environment = dict(os.environ, XDG_CONFIG_HOME=str(place.folder / 'home' / '.config'))
        client = subprocess.Popen([str(w) for w in [sys_cli(), 'container', *words]], env=environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_ms / 1000)
        if who == 'holdfastd':
            place.kill()
        else:
            pid = place.runnerd()
            if pid:
                os.kill(pid, signal.SIGKILL)
        client.wait(timeout=60)
        if who == 'holdfastd':
            time.sleep(0.2)
            place.start()
        # Whatever was reached: the database and the runner come to say the same.
        ends = time.monotonic() + 30
        while True:
            answer = place.ask('GET', 'killed')
            there = answer.status == 200
            settled = not there or answer.json()['properties']['provisioningState'] in ('Succeeded', 'Failed')
            if settled and len(place.runner_ids()) == (1 if there else 0):
                break
            assert time.monotonic() < ends, (answer, place.runner_ids(), place.log()[-3000:])
            time.sleep(0.05)
    place.delete('killed')
    place.await_clean()


def sys_cli():
    from daemon_rig import BUILD
    return BUILD / 'src' / 'cli' / 'holdfast'


# ---- without root ----

def test_a_plain_user_is_told_that_containers_need_root(new_holdfast):
    place = new_holdfast()
    os.chown(place.folder, 65534, 65534)
    place.data.mkdir()
    os.chown(place.data, 65534, 65534)
    place.data.chmod(0o700)
    start = subprocess.Popen

    def as_nobody(command, **more):
        return start(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command], **more)

    subprocess.Popen = as_nobody
    try:
        place.start()
    finally:
        subprocess.Popen = start
    path = (f'/subscriptions/{place.admin["subscriptionId"]}/resourceGroups/default/providers/{TYPE}/mine?{API}')
    document = {'location': 'local', 'properties': {'osType': 'Linux', 'containers': [
        {'name': 'a', 'properties': {'image': f'{place.host}/a:1',
                                     'resources': {'requests': {'cpu': 1, 'memoryInGB': 1}}}}]}}
    answer = place.request('PUT', path, body=json.dumps(document), headers={'Content-Type': 'application/json'},
                           auth=place.user)
    assert answer.status >= 400 and 'root' in answer.json()['error']['message'], answer
    assert place.request('GET', '/v2/', auth=place.user).status == 200
