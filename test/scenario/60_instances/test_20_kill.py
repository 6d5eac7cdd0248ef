"""kill -9 at every step of create and delete leaves nothing; what runs goes on, and loses no line."""
import http.client
import os
import pathlib
import signal
import subprocess
import time

import pytest

from daemon_rig import BUILD, Layout, free_port, run
from instances_rig import Place

RUNNERD = BUILD / 'src' / 'runner' / 'holdfast-runnerd'
STEPS = subprocess.run([str(RUNNERD), '--crash-steps'], stdout=subprocess.PIPE, universal_newlines=True).stdout.split()
CREATE_STEPS = [step for step in STEPS if not step.startswith('delete')]
DELETE_STEPS = [step for step in STEPS if step.startswith('delete')]
assert CREATE_STEPS and DELETE_STEPS, 'runnerd names no crash steps'
COUNTS_MAX = 8  # of one step of holdfastd in one create or delete; there are fewer


class Doomed(Place):
    """A place whose programs die where a file says so (base/crash.h)."""

    def __init__(self):
        super().__init__()
        self.orders = {}
        self.made = 0
        for who, option in (('holdfastd', '--crash-at'), ('runnerd', '--runner-crash-at')):
            folder = self.folder / f'orders-{who}'
            folder.mkdir()
            folder.chmod(0o777)
            self.orders[who] = folder / 'at'
            self.options += [option, self.orders[who]]

    def order(self, who, step, count=1):
        path = self.orders[who]
        beside = path.with_name('new')
        beside.write_text(f'{step}:{count}')
        beside.chmod(0o666)
        beside.rename(path)

    def obeyed(self, who, seconds):
        """Whether the death that was ordered came within ${seconds}."""
        ends = time.monotonic() + seconds
        while self.orders[who].exists():
            if time.monotonic() > ends:
                return False
            time.sleep(0.005)
        return True

    def begin_create(self, name, port):
        """A request that may not live to see its answer."""
        document = self.document({'command': ['/bin/sh', '-c', 'while :; do /bin/busybox sleep 1; done'],
                                  'image': self.image}, restart='Always', port=port)
        return self.try_ask('PUT', name, document)

    def try_ask(self, method, name, document=None):
        try:
            return self.ask(method, name, document=document)
        except (OSError, http.client.HTTPException):
            return None

    def new_image(self):
        """An image with a layer that was never unpacked here."""
        self.made += 1
        layout = Layout(self.folder / 'layouts' / str(self.made))
        source, _ = layout.image('1', [self.files, {'new': str(self.made).encode()}], compress=True)
        user, password = self.user
        run(['skopeo', 'copy', '--quiet', '--dest-cert-dir', self.certs, '--dest-creds', f'{user}:{password}',
             source, f'docker://{self.image}'])

    def settle(self, name):
        """It runs, or was never taken."""
        if self.ask('GET', name).status == 404:
            return False
        self.wait(name, lambda p: p['provisioningState'] in ('Succeeded', 'Failed')
                  and (p['instanceView']['state'] == 'Running' or p['provisioningState'] == 'Failed'), 30)
        assert self.show(name)['properties']['provisioningState'] == 'Succeeded', self.show(name)
        return True

    def gone(self, name, seconds=20):
        ends = time.monotonic() + seconds
        while self.ask('GET', name).status != 404:
            assert time.monotonic() < ends, (self.show(name), self.log()[-3000:])
            time.sleep(0.02)


@pytest.fixture(scope='module')
def doomed():
    assert os.geteuid() == 0, 'containers need root, so this scenario does'
    place = Doomed()
    try:
        from daemon_rig import busybox_files
        place.files = busybox_files()
        place.prepare()
        # A first life without deaths shows what stays: the daemons, the bridge, its rules and empty folders.
        place.begin_create('first', free_port())
        place.settle('first')
        busy = place.traces()
        place.delete('first')
        place.await_clean()
        time.sleep(0.3)
        place.rest = place.traces()
        for kind in ('process holdfast-supervisor', 'mount', 'link hv', 'rule', 'cgroup', 'file'):
            assert any(line.startswith(kind) for line in busy - place.rest), f'the comparison does not see: {kind}'
        yield place
    finally:
        place.close()


@pytest.mark.parametrize('number,step', list(enumerate(CREATE_STEPS)))
def test_kill_runnerd_at_every_step(doomed, number, step):
    """Alone, or holdfastd with it; each step of delete gets both."""
    place, both = doomed, number // len(DELETE_STEPS) % 2
    later = DELETE_STEPS[number % len(DELETE_STEPS)]
    if step.startswith('unpack'):
        place.new_image()
    place.order('runnerd', step)
    assert place.begin_create('killed', free_port()).status == 201
    assert place.obeyed('runnerd', 10), f'{step} was never reached'
    if not both:
        place.kill()
        place.start()
    assert place.settle('killed')
    place.order('runnerd', later)
    assert place.ask('DELETE', 'killed').status in (200, 202)
    assert place.obeyed('runnerd', 10), f'{later} was never reached'
    if both:
        place.kill()
        place.start()
    place.gone('killed')
    place.await_traces(place.rest)


@pytest.mark.parametrize('step', ['db.group.begin', 'db.group.commit', 'db.group.after'])
def test_kill_holdfastd_at_every_step(doomed, step):
    place = doomed
    reached = {'create': 0, 'delete': 0}
    for count in range(1, COUNTS_MAX):
        before = dict(reached)
        place.order('holdfastd', step, count)
        answer = place.begin_create('killed', free_port())
        if place.obeyed('holdfastd', 1):
            reached['create'] += 1
            place.wait_killed()
            place.start()
            there = place.settle('killed')
            assert there or answer is None, 'what was answered was lost'
        else:
            place.orders['holdfastd'].unlink()
            there = place.settle('killed')
        if there:
            place.order('holdfastd', step, count)
            answer = place.try_ask('DELETE', 'killed')
            if place.obeyed('holdfastd', 1):
                reached['delete'] += 1
                place.wait_killed()
                place.start()
                if answer is None:  # as a client would that got no answer
                    place.delete('killed')
            else:
                place.orders['holdfastd'].unlink()
        place.gone('killed')
        place.await_traces(place.rest)
        if reached == before:
            break
    # The change itself, and what came of it.
    assert reached['create'] >= 2 and reached['delete'] >= 2, reached


@pytest.mark.parametrize('policy', ['Always', 'Never'])
def test_kill_a_supervisor_together_with_holdfastd(doomed, policy):
    place = doomed
    place.put('orphan', {'command': ['/bin/sh', '-c', 'while :; do /bin/busybox sleep 1; done']}, restart=policy)
    place.wait('orphan', lambda p: p['instanceView']['state'] == 'Running')
    [supervisor] = place.supervisors()
    runnerd = place.runnerd()
    for pid in (supervisor, runnerd):
        os.kill(pid, signal.SIGKILL)
    place.kill()
    place.start()
    wanted = 'Running' if policy == 'Always' else 'Failed'
    view = place.wait('orphan', lambda p: p['instanceView']['state'] == wanted)['containers'][0]['properties'][
        'instanceView']
    assert view['restartCount'] == (1 if policy == 'Always' else 0), view
    place.delete('orphan')
    place.await_traces(place.rest)


def test_containers_go_on_and_no_line_is_lost(doomed):
    place = doomed
    place.put('lives', {'command': ['/bin/sh', '-c', 'i=0; while :; do echo tick $i; i=$((i+1)); '
                                                     '/bin/busybox sleep 0.01; done']}, restart='Always')
    view = place.wait('lives', lambda p: p['instanceView']['state'] == 'Running')
    started = view['containers'][0]['properties']['instanceView']['currentState']['startTime']
    log = next((place.folder / 'runner' / 'groups').glob('*/logs/main.log'))

    def lines():
        return log.read_bytes().count(b'\n')

    def go_on(than):
        ends = time.monotonic() + 10
        while lines() < than + 20:
            assert time.monotonic() < ends, 'the container stands still'
            time.sleep(0.01)

    go_on(0)
    os.kill(place.runnerd(), signal.SIGKILL)
    go_on(lines())
    place.kill()
    go_on(lines())
    place.start()
    go_on(lines())
    place.restart()
    go_on(lines())
    runnerd = place.runnerd()
    place.kill()
    if runnerd and pathlib.Path(f'/proc/{runnerd}').exists():
        os.kill(runnerd, signal.SIGKILL)
    go_on(lines())
    place.start()
    after = place.wait('lives', lambda p: p['instanceView']['state'] == 'Running'
                       and 'startTime' in p['containers'][0]['properties']['instanceView']['currentState'])
    state = after['containers'][0]['properties']['instanceView']
    assert state['currentState']['startTime'] == started and state['restartCount'] == 0
    ticks = [int(line.split()[1]) for line in place.logs('lives').splitlines()]
    assert ticks == list(range(len(ticks))) and len(ticks) > 100
    place.delete('lives')
    place.await_traces(place.rest)


def test_without_groups_nothing_stays_when_it_stops(doomed):
    place = doomed
    tag = place.tag
    place.stop()
    ends = time.monotonic() + 10
    while True:
        left = [line for line in place.traces() if not line.startswith('file')]
        for command in (('ip', '-br', 'link'), ('nft', 'list', 'tables'),
                        ('find', '/sys/fs/cgroup', '-type', 'd', '-name', f'*holdfast*{tag}*')):
            out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
            left += [line for line in out.stdout.splitlines() if tag in line]
        if not left:
            break
        assert time.monotonic() < ends, left
        time.sleep(0.05)
    place.start()
