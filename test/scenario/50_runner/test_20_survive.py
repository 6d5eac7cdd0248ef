"""kill -9 at any step leaves nothing behind; what runs keeps running."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from runner_rig import (ALWAYS, LOST, NEVER, RUNNERD, RUNNING, TERMINATED, WAITING, busybox_entries, diff_id, entry,
                        new_runner, pack)

STEPS = subprocess.run([RUNNERD, '--crash-steps'], stdout=subprocess.PIPE, universal_newlines=True).stdout.split()
assert STEPS, 'runnerd names no crash steps'
UID_BASE = 0x50000000 + os.getpid() % 4096 * 65536  # so that other tests on this machine do not count


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout


def traces(r):
    """Everything on this machine that belongs to the runner's groups."""
    found = []
    for number in filter(str.isdigit, os.listdir('/proc')):
        try:
            words = pathlib.Path(f'/proc/{number}/cmdline').read_bytes().split(b'\0')
            uid = os.stat(f'/proc/{number}').st_uid
        except OSError:
            continue
        if UID_BASE <= uid < UID_BASE + (64 << 16) or str(r.folder).encode() in b' '.join(words[:9]):
            if words[0] != str(RUNNERD).encode() and b'pytest' not in b' '.join(words):
                found.append(('process', words))
    found += [('mount', line) for line in open('/proc/self/mountinfo') if str(r.folder) in line]
    tag = r.tag
    found += [('link', line) for line in output('ip', '-br', 'link').split('\n') if f'hv{tag}' in line]
    found += [('rule', line) for line in output('nft', 'list', 'ruleset').split('\n') if f'hv{tag}.' in line and '*' not in line]
    rules = output('nft', 'list', 'table', 'inet', f'holdfast_{tag}')
    found += [('port', line) for line in rules.split('\n') if 'elements' in line]
    found += [('cgroup', path) for path in output('find', '/sys/fs/cgroup', '-type', 'd', '-path', f'*holdfast-{tag}*').split()]
    for folder in ['state/groups', 'state/slots', 'state/trash', 'run/g']:
        path = r.folder / folder
        found += [('file', f) for f in path.iterdir()] if path.exists() else []
    found += [('file', f) for f in (r.state / 'layers').glob('new-*')]
    return found


def nothing_left(r, seconds=5):
    end = time.time() + seconds
    while traces(r) and time.time() < end:
        time.sleep(0.05)
    left = traces(r)
    assert not left, '\n'.join(map(str, left)) + r.stderr()[-2000:]


def begin(r, *options):
    r.spawn('--uid-base', str(UID_BASE), *options)
    r.ready()
    r.tag = next(line.split()[0][2:] for line in output('ip', '-br', 'link').split('\n')
                 if line.startswith('hf') and r.bridge_is_ours(line.split()[0]))


@pytest.fixture(scope='module')
def crashing():
    with new_runner() as r:
        r.bridge_is_ours = lambda name: (r.folder / 'state/subnet').read_text().replace('.0.0/16', '.0.1/16') in \
            output('ip', '-br', 'addr', 'show', name)
        begin(r)
        r.bb = r.layer(pack(busybox_entries()))
        yield r


def web(r, **more):
    return dict({'layers': [r.bb], 'args': ['/bin/sh', '-c', 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done']},
                **more)


def port():
    import socket
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def test_delete_leaves_nothing(crashing):
    r = crashing
    group = r.start(web(r), web(r, name='two'), restart=ALWAYS, ports=[('127.0.0.1', port(), 80)])
    r.await_state(group, lambda s: all(c['current']['phase'] == RUNNING for c in s['containers']))
    assert traces(r)
    r.ok('delete', group)
    nothing_left(r)
    r.ok('delete', group)
    assert r.find_state(group) is None


@pytest.mark.parametrize('step', STEPS)
def test_kill_nine_at(crashing, step):
    r = crashing
    r.say('kill')
    begin(r, '--crash-at', f'{step}:1')
    layer = pack([entry('marker-' + step, data=step.encode())])
    group = None
    answer = r.unpack(layer)
    if answer == 'ok':
        group = r.plan(web(r), web(r, name='two'), restart=ALWAYS, ports=[('127.0.0.1', port(), 80)])
        answer = r.say('start')
    if answer == 'ok':
        answer = r.say('delete', group)
    assert answer.startswith('error'), f'{step} was never reached'
    assert r.ok('wait') == str(128 + signal.SIGKILL)
    begin(r)
    if step.startswith('unpack'):
        nothing_left(r)
        assert r.say('have', diff_id(layer)) == ('ok' if step == 'unpack-named' else 'none')
        assert r.unpack(layer) == 'ok'
        return
    if step in ('start-ready', 'start-go'):
        r.await_state(group, lambda s: all(c['current']['phase'] == RUNNING for c in s['containers']))
        r.ok('delete', group)
    assert r.find_state(group) is None
    nothing_left(r)


def test_containers_run_and_log_while_runnerd_is_dead(crashing):
    r = crashing
    group = r.start(web(r), restart=ALWAYS, ports=[('127.0.0.1', port(), 80)])
    r.await_state(group, lambda s: len(r.log(group).split()) > 3)
    before = r.find_state(group)
    log = r.state / 'groups' / group / 'logs' / 'main.log'
    r.say('kill')
    lines = len(log.read_text().split('\n'))
    time.sleep(0.6)
    later = len(log.read_text().split('\n'))
    assert later > lines + 3
    begin(r)
    after = r.await_state(group, lambda s: s['containers'][0]['current']['phase'] == RUNNING)
    assert after['containers'][0]['current']['started'] == before['containers'][0]['current']['started']
    numbers = r.log(group).split()
    assert numbers == [str(i) for i in range(len(numbers))], 'not a line is lost'
    r.ok('delete', group)
    nothing_left(r)


def supervisor_of(group):
    for number in filter(str.isdigit, os.listdir('/proc')):
        try:
            if pathlib.Path(f'/proc/{number}/cmdline').read_bytes().split(b'\0')[:2] == [b'holdfast-supervisor',
                                                                                          group.encode()]:
                return int(number)
        except OSError:
            pass
    raise AssertionError('no supervisor')


@pytest.mark.parametrize('policy', [ALWAYS, NEVER])
def test_a_dead_supervisor_takes_its_containers_along_and_policy_decides(crashing, policy):
    r = crashing
    r.say('kill')
    begin(r)
    group = r.start(web(r), restart=policy)
    r.await_state(group, lambda s: s['containers'][0]['current']['phase'] == RUNNING)
    os.kill(supervisor_of(group), signal.SIGKILL)
    r.say('kill')
    time.sleep(0.2)
    assert not [t for t in traces(r) if t[0] == 'process']
    begin(r)
    if policy == ALWAYS:
        state = r.await_state(group, lambda s: s['containers'][0]['current']['phase'] == RUNNING)
        assert state['containers'][0]['previous']['reason'] == LOST, state
        assert state['containers'][0]['restarts'] == 1
    else:
        state = r.await_state(group, lambda s: s['containers'][0]['current']['phase'] == TERMINATED)
        assert state['containers'][0]['current']['reason'] == LOST
    r.ok('delete', group)
    nothing_left(r)


def test_keep_removes_the_others(crashing):
    r = crashing
    groups = [r.start(web(r)) for _ in range(3)]
    r.ok('keep', groups[1])
    assert r.ok('list') == groups[1]
    r.ok('keep')
    nothing_left(r)


def test_without_groups_runnerd_takes_its_bridge_along(crashing):
    r = crashing
    r.drive.stdin.close()
    r.drive.wait(timeout=20)
    end = time.time() + 5
    while f'hf{r.tag}' in output('ip', '-br', 'link') and time.time() < end:
        time.sleep(0.05)
    assert f'hf{r.tag}' not in output('ip', '-br', 'link')
    assert r.tag not in output('nft', 'list', 'tables')
