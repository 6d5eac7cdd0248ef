"""A container group from plan to exit code."""
import http.client
import socket
import time

import pytest

from runner_rig import (ALWAYS, BACK_OFF, COMPLETED, ERROR, NEVER, ON_FAILURE, OOM_KILLED, RUNNING, START_FAILED,
                        TERMINATED, WAITING)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def test_output_lands_in_the_log_and_the_exit_code_in_the_state(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['/bin/sh', '-c', 'echo out; echo err >&2; exit 42']})
    main = runner.ended(group)[0]
    assert main['current']['exit'] == 42 and main['current']['reason'] == ERROR
    assert main['current']['started'] <= main['current']['finished']
    records = runner.records(group)
    assert sorted((r[1], r[2], r[3]) for r in records) == [('stderr', 'F', 'err'), ('stdout', 'F', 'out')]
    assert all(len(r[0]) == 30 and r[0].endswith('Z') for r in records)


def test_success_is_completed(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['true']})
    main = runner.ended(group)[0]
    assert main['current']['exit'] == 0 and main['current']['reason'] == COMPLETED


def test_two_containers_share_localhost_and_not_their_files(runner, busybox):
    group = runner.start(
        {'name': 'web', 'layers': [busybox], 'args': ['httpd', '-f', '-p', '8080', '-h', '/www']},
        {'name': 'side', 'layers': [busybox], 'args': [
            '/bin/sh', '-c', 'touch /only-mine; while ! wget -q -O - http://127.0.0.1:8080/index.html 2>/dev/null; do sleep 0.1; done;'
            'sleep 1000']})
    state = runner.await_state(group, lambda s: 'hello' in runner.log(group, 'side'))
    assert [c['current']['phase'] for c in state['containers']] == [RUNNING, RUNNING]
    assert runner.log(group, 'side') == 'hello from busybox\n'
    runner.ok('stop', group, 200)
    ended = runner.ended(group)
    assert [c['current']['exit'] for c in ended] == [137, 137]


def test_environment_arguments_folder_user_and_hostname(runner, busybox):
    code, log = runner.shell([busybox], 'echo "$A|$B"; pwd; id -u; id -g; id -G; hostname; cat /www/mine',
                             env=['A=one two', 'B="q\\u" \u00e4'], cwd='/www', user='www', hostname='heron')
    assert code == 0
    assert log == 'one two|"q\\u" \u00e4\n/www\n1000\n1001\n1001 2000\nheron\nx'.rstrip('\n') + '\n'


@pytest.mark.parametrize('user', ['', 'www'])
def test_standard_output_can_be_opened_by_name(runner, busybox, user):
    """Images whose logs are links to /dev/stdout: nginx and many others."""
    code, log = runner.shell([busybox], 'echo one > /proc/self/fd/1; echo two > /dev/stdout; echo three > /dev/stderr',
                             user=user)
    assert code == 0 and sorted(log.split()) == ['one', 'three', 'two'], log


def test_an_unknown_user_is_a_clear_failure(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['true'], 'user': 'nobody-here'})
    main = runner.ended(group)[0]
    assert main['current']['reason'] == START_FAILED
    assert main['message'] == 'the image has no user nobody-here'


def test_a_missing_command_is_a_clear_failure(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['/bin/no-such-thing']})
    main = runner.ended(group)[0]
    assert main['current']['reason'] == START_FAILED and 'no-such-thing' in main['message'], main


def test_never_runs_once(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['false']}, restart=NEVER)
    runner.ended(group)
    time.sleep(0.5)
    assert runner.find_state(group)['containers'][0]['restarts'] == 0


def test_on_failure_restarts_failures_only(runner, busybox):
    bad = runner.start({'layers': [busybox], 'args': ['/bin/sh', '-c', 'echo again; exit 3']}, restart=ON_FAILURE)
    good = runner.start({'layers': [busybox], 'args': ['true']}, restart=ON_FAILURE)
    state = runner.await_state(bad, lambda s: s['containers'][0]['restarts'] >= 2)
    assert state['containers'][0]['previous']['exit'] == 3
    assert runner.log(bad, previous=True) == 'again\n'
    assert runner.ended(good)[0]['restarts'] == 0
    runner.ok('stop', bad, 100)
    runner.ended(bad)
    time.sleep(1.2)
    assert runner.find_state(bad)['containers'][0]['current']['phase'] == TERMINATED


def test_always_restarts_with_a_fresh_filesystem_and_growing_waits(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['/bin/sh', '-c', 'ls /left || touch /left']}, restart=ALWAYS,
                         backoff=100, cap=400)
    state = runner.await_state(group, lambda s: s['containers'][0]['restarts'] >= 3)
    assert state['containers'][0]['previous']['exit'] == 0
    assert '/left: No such file' in runner.log(group, previous=True)
    waiting = runner.await_state(group, lambda s: s['containers'][0]['current']['phase'] == WAITING)
    assert waiting['containers'][0]['current']['reason'] == BACK_OFF


def test_memory_limit_kills_and_says_so(runner, busybox):
    code, _ = runner.shell([busybox], 'exec tail /dev/zero', memory=32 << 20)
    assert code == 137
    group = runner.ok('list').split()
    state = [runner.find_state(g) for g in group]
    assert any(s['containers'][0]['current']['reason'] == OOM_KILLED for s in state)


def test_a_published_port_answers_on_loopback(runner, busybox):
    port = free_port()
    group = runner.start({'layers': [busybox], 'args': ['httpd', '-f', '-p', '8080', '-h', '/www']},
                         ports=[('127.0.0.1', port, 8080)])
    runner.await_state(group, lambda s: s['containers'][0]['current']['phase'] == RUNNING)
    for attempt in range(50):
        try:
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=2)
            connection.request('GET', '/index.html')
            body = connection.getresponse().read()
            break
        except OSError:
            assert attempt < 49
            time.sleep(0.05)
    assert body == b'hello from busybox\n'
    assert 'conflict' in runner.refused(*_second(runner, busybox, port))
    runner.ok('delete', group)
    with socket.socket() as s:
        assert s.connect_ex(('127.0.0.1', port)) != 0


def _second(runner, busybox, port):
    runner.plan({'layers': [busybox], 'args': ['true']}, ports=[('0.0.0.0', port, 80)])
    return ('start',)


def test_a_port_in_use_on_the_machine_is_refused(runner, busybox):
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        before = runner.ok('list')
        runner.plan({'layers': [busybox], 'args': ['true']}, ports=[('127.0.0.1', port, 80)])
        assert f'port {port} is in use' in runner.refused('start')
        assert runner.ok('list') == before


def test_read_only_root(runner, busybox):
    code, log = runner.shell([busybox], 'touch /x', readonly=True)
    assert code != 0 and 'Read-only file system' in log


def test_long_and_partial_lines(runner, busybox):
    code, log = runner.shell([busybox], 'dd if=/dev/zero bs=40000 count=1 2>/dev/null | tr "\\0" y; printf tail' if False
                             else 'i=0; while [ $i -lt 4000 ]; do printf 0123456789; i=$((i+1)); done; echo; printf tail')
    assert code == 0 and log == '0123456789' * 4000 + '\ntail\n'


def test_rotation_keeps_the_newest(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': ['/bin/sh', '-c', 'seq 1 3000000']})
    runner.ended(group, 60)
    files = list((runner.state / 'groups' / group / 'logs').iterdir())
    assert len(files) == 3 and all(f.stat().st_size <= 10 << 20 for f in files)
    lines = runner.log(group).split()
    assert lines[-1] == '3000000' and lines == [str(i) for i in range(int(lines[0]), 3000001)]


def test_stop_is_graceful(runner, busybox):
    group = runner.start({'layers': [busybox], 'args': [
        '/bin/sh', '-c', 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done']}, restart=ALWAYS)
    runner.await_state(group, lambda s: runner.log(group) == 'up\n')
    runner.ok('stop', group, 10000)
    main = runner.ended(group)[0]
    assert main['current']['exit'] == 7 and runner.log(group) == 'up\nbye\n'


def test_layers_stack_and_whiteouts_hide(runner, busybox):
    import tarfile
    from runner_rig import entry, pack
    upper = runner.layer(pack([entry('www/.wh.index.html'), entry('www/new', data=b'new\n', mode=0o644),
                               entry('etc/sub', tarfile.DIRTYPE), entry('etc/sub/low', data=b'low')]))
    third = runner.layer(pack([entry('etc/sub/.wh..wh..opq'), entry('etc/sub/high', data=b'high')]))
    code, log = runner.shell([busybox, upper, third], 'ls /www; ls /etc/sub')
    assert code == 0 and log == 'mine\nnew\nhigh\n'
