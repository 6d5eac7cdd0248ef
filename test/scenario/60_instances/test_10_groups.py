"""Container groups from outside: YAML in, containers running, the story told, nothing left."""
import json
import os
import subprocess
import time

from daemon_rig import free_port
from instances_rig import API, TYPE, fetch


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
