"""Layers that want out, and containers that want more: refused, contained, clearly."""
import gzip
import hashlib
import os
import pathlib
import subprocess
import tarfile
import zlib

import pytest

from runner_rig import RUNNING, TERMINATED, diff_id, entry, pack


def device(name, kind=tarfile.CHRTYPE, major=1, minor=3):
    return entry(name, kind, devmajor=major, devminor=minor)


HOSTILE = {
    'absolute path': ([entry('/etc/cron.d/evil', data=b'x')], 'invalid'),
    'parent path': ([entry('a/../../evil', data=b'x')], 'invalid'),
    'hard link out': ([entry('x', tarfile.LNKTYPE, linkname='../../../etc/passwd')], 'invalid'),
    'hard link to absolute': ([entry('x', tarfile.LNKTYPE, linkname='/etc/shadow')], 'invalid'),
    'hard link to what is not there': ([entry('x', tarfile.LNKTYPE, linkname='etc/shadow')], 'invalid'),
    'root replaced': ([entry('.', tarfile.SYMTYPE, linkname='/etc')], 'invalid'),
    'owner outside the range': ([entry('x', data=b'x', uid=70000)], 'invalid'),
    'file below a file': ([entry('x', data=b'x'), entry('x/y', data=b'y')], 'invalid'),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_a_hostile_layer_is_refused(runner, name):
    entries, kind = HOSTILE[name]
    tar = pack(entries)
    answer = runner.unpack(tar)
    assert answer.startswith(f'error {kind} '), answer
    assert runner.say('have', diff_id(tar)) == 'none'
    assert list((runner.state / 'layers').glob('new-*')) == []


def test_symlinks_do_not_lead_out(runner):
    outside = runner.folder / 'outside'
    outside.mkdir()
    tar = pack([entry('out', tarfile.SYMTYPE, linkname=str(outside)), entry('out/evil', data=b'x'),
                entry('up', tarfile.SYMTYPE, linkname='../../../../../..' + str(outside)), entry('up/evil', data=b'x')])
    runner.unpack(tar)
    assert list(outside.iterdir()) == []


def test_a_link_may_be_a_parent_inside(runner):
    tar = pack([entry('usr/lib', tarfile.DIRTYPE), entry('lib', tarfile.SYMTYPE, linkname='/usr/lib'),
                entry('lib/libx', data=b'x')])
    folder = runner.state / 'layers' / runner.layer(tar).replace(':', '-')
    assert (folder / 'usr/lib/libx').read_bytes() == b'x' and (folder / 'lib').is_symlink()


def test_devices_are_left_out_and_overlay_attributes_dropped(runner):
    info, data = entry('dir', tarfile.DIRTYPE)
    info.pax_headers = {'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.user.mine': 'kept',
                        'SCHILY.xattr.trusted.overlay.redirect': '/etc'}
    tar = pack([(info, data), device('dev-null'), device('whiteout', major=0, minor=0),
                device('disk', tarfile.BLKTYPE, 8, 0), entry('set', data=b'x', mode=0o4755)])
    folder = runner.state / 'layers' / runner.layer(tar).replace(':', '-')
    assert sorted(os.listdir(folder)) == ['dir', 'set']
    assert os.listxattr(folder / 'dir') == ['user.mine']
    assert (folder / 'set').stat().st_mode & 0o7777 == 0o4755


def test_layers_are_out_of_reach_of_other_users(runner):
    assert (runner.state / 'layers').stat().st_mode & 0o777 == 0o700


def test_wrong_digest(runner):
    tar = pack([entry('x', data=b'x')])
    path = runner.folder / 'wrong'
    path.write_bytes(tar)
    wanted = 'sha256:' + '1' * 64
    assert diff_id(tar) in runner.refused('unpack', wanted, path)
    assert runner.say('have', wanted) == 'none'


def test_a_bomb(runner):
    """300 MiB of zeros in 300 KiB, and its digest is right: the ratio gives it away."""
    info = tarfile.TarInfo('zeros')
    info.size = 300 << 20
    packer, hasher, out = zlib.compressobj(9, zlib.DEFLATED, 31), hashlib.sha256(), b''
    for piece in [info.tobuf(tarfile.PAX_FORMAT)] + [b'\0' * (1 << 20)] * 300 + [b'\0' * 1024]:
        out += packer.compress(piece)
        hasher.update(piece)
    path = runner.folder / 'bomb'
    path.write_bytes(out + packer.flush())
    answer = runner.refused('unpack', 'sha256:' + hasher.hexdigest(), path)
    assert answer.startswith('too-large ') and 'bomb' in answer
    assert list((runner.state / 'layers').glob('new-*')) == []


@pytest.mark.parametrize('spoil', ['cut', 'garbage', 'not gzip'])
def test_broken_compression(runner, spoil):
    tar = pack([entry('x', data=os.urandom(100000))])
    blob = gzip.compress(tar)
    blob = {'cut': blob[:-5000], 'garbage': blob + b'garbage', 'not gzip': blob[:2] + b'\xff' * 500}[spoil]
    path = runner.folder / 'broken'
    path.write_bytes(blob)
    assert runner.refused('unpack', diff_id(tar), path).startswith('invalid ')


def test_members_padding_and_zstd(runner):
    tar = pack([entry('x', data=os.urandom(100000)), entry('y', data=b'y')])
    for blob in [gzip.compress(tar[:5000]) + gzip.compress(tar[5000:]) + b'\0' * 1000,
                 subprocess.run(['zstd', '-c'], input=tar, stdout=subprocess.PIPE, check=True).stdout]:
        path = runner.folder / 'good'
        path.write_bytes(blob)
        assert runner.say('unpack', diff_id(tar), path) == 'ok'
        for f in (runner.state / 'layers' / diff_id(tar).replace(':', '-')).iterdir():
            f.unlink()
        (runner.state / 'layers' / diff_id(tar).replace(':', '-')).rmdir()


def test_powers_of_a_container(runner, busybox):
    code, log = runner.shell([busybox], '''
        grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status
        cat /proc/self/uid_map
        mount -t tmpfs x /tmp 2>&1; unshare -U true 2>&1; mknod /tmp/d c 1 3 2>&1; chroot / true; echo chroot $?
        cat /proc/kcore 2>&1 | head -c 10; echo 1 2>&1 > /proc/sys/kernel/hostname
        cat /sys/fs/cgroup/x 2>/dev/null; ls /proc/1/fd | head -3 >/dev/null; id -u
        ''')
    fields = dict(line.split(':\t') for line in log.split('\n') if ':\t' in line)
    assert fields['NoNewPrivs'] == '1' and fields['Seccomp'] == '2'
    assert int(fields['CapEff'], 16) == int(fields['CapBnd'], 16)
    names = 'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE ' \
            'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW'.split()
    for i, name in enumerate(names):
        wanted = name in ('CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP',
                          'NET_BIND_SERVICE')
        assert bool(int(fields['CapEff'], 16) >> i & 1) == wanted, name
    assert not int(fields['CapEff'], 16) >> 21 & 1, 'SYS_ADMIN'
    first, outside, count = next(line for line in log.split('\n') if line.split()[2:3] == ['65536']).split()
    assert first == '0' and int(outside) >= 65536
    assert 'permission denied' in log.lower() or 'not permitted' in log


def test_another_user_has_no_capabilities(runner, busybox):
    code, log = runner.shell([busybox], 'grep CapEff /proc/self/status', user='1000:1000')
    assert code == 0 and int(log.split()[1], 16) == 0


def test_the_hosts_devices_keep_their_owners(runner, busybox):
    def owners():
        return {p: (os.stat(p).st_uid, os.stat(p).st_gid, os.stat(p).st_mode)
                for p in ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty', '/dev']}
    before = owners()
    runner.shell([busybox], 'cat; echo x > /dev/null', user='1000')
    assert owners() == before


def test_groups_do_not_reach_each_other_nor_the_host(runner, busybox):
    server = runner.start({'layers': [busybox], 'args': ['httpd', '-f', '-p', '8080', '-h', '/www']})
    address = runner.await_state(server, lambda s: s['containers'][0]['current']['phase'] == RUNNING)['address']
    gateway = (runner.state / 'subnet').read_text().replace('.0.0/16', '.0.1')
    import http.server
    import threading
    host = http.server.HTTPServer(('0.0.0.0', 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    port = host.server_port
    try:
        code, log = runner.shell([busybox], f'''
            httpd -p 9090 -h /www
            nc -w 1 127.0.0.1 9090 </dev/null && echo SELF
            nc -w 1 127.0.0.1 {port} </dev/null && echo LOOPBACK
            nc -w 1 {gateway} {port} </dev/null && echo HOST
            nc -w 1 {address} 8080 </dev/null && echo OTHER
            nc -w 1 169.254.169.254 80 </dev/null && echo METADATA
            echo done''')
        assert code == 0
        assert {w for w in log.split() if w.isupper()} == {'SELF'} and 'done' in log.split(), log
        assert subprocess.run(['curl', '-sS', '-m', '3', f'http://{address}:8080/index.html'],
                              stdout=subprocess.PIPE).stdout == b'hello from busybox\n'
    finally:
        host.shutdown()
        runner.ok('delete', server)


@pytest.fixture
def machine_services():
    """A neighbour of the machine with a metadata address and an ordinary one, each with a server on port 80."""
    name = f'hft{os.getpid()}'
    run = lambda *words: subprocess.run(words, check=True, capture_output=True)  # noqa: E731
    run('ip', 'netns', 'add', name)
    try:
        run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'there', 'netns', name)
        run('ip', 'address', 'add', '203.0.113.1/32', 'dev', name)
        run('ip', 'link', 'set', name, 'up')
        inside = ('ip', '-n', name)
        run(*inside, 'link', 'set', 'there', 'up')
        for address in ('203.0.113.9', '192.0.0.192'):
            run(*inside, 'address', 'add', address + '/32', 'dev', 'there')
            run('ip', 'route', 'add', address + '/32', 'dev', name)
        run(*inside, 'route', 'add', 'default', 'dev', 'there')
        server = subprocess.Popen(['nsenter', f'--net=/run/netns/{name}', '/bin/busybox', 'httpd', '-f', '-p', '80'],
                                  cwd='/')
        try:
            yield
        finally:
            server.kill()
            server.wait()
    finally:
        subprocess.run(['ip', 'link', 'delete', name])
        run('ip', 'netns', 'delete', name)


def test_credentials_of_the_machine_are_out_of_reach(runner, busybox, machine_services):
    code, log = runner.shell([busybox], '''
        nc -w 2 203.0.113.9 80 </dev/null && echo OUTSIDE
        nc -w 2 192.0.0.192 80 </dev/null && echo METADATA
        echo done''')
    assert code == 0 and {w for w in log.split() if w.isupper()} == {'OUTSIDE'}, log


def test_files_in_etc_cannot_fill_the_machines_run(runner, busybox):
    code, log = runner.shell([busybox], '''
        echo 192.0.2.1 added >> /etc/hosts && grep added /etc/hosts
        dd if=/dev/zero of=/etc/hosts bs=4096 count=1024 2>/dev/null && echo UNBOUNDED
        stat -c %s /etc/hosts''')
    assert '192.0.2.1 added' in log and 'UNBOUNDED' not in log, log
    assert int(log.split()[-1]) <= 128 * 1024, log


def test_forks_are_limited(runner, busybox):
    """Not the whole machine: 2048 processes at most."""
    group = runner.start({'layers': [busybox], 'args': ['sleep', '100']})
    runner.await_state(group, lambda s: s['containers'][0]['current']['phase'] == RUNNING)
    limits = [p.read_text().strip() for p in pathlib.Path('/sys/fs/cgroup').glob(f'**/holdfast-*/{group}/c0/pids.max')]
    runner.ok('delete', group)
    assert limits == ['2048'], limits


def test_a_plan_out_of_bounds_is_refused(runner, busybox):
    for container in [{'layers': [busybox], 'args': ['x'], 'name': 'Not_A_Label'}, {'layers': [], 'args': ['x']},
                      {'layers': ['sha256:' + '3' * 64], 'args': ['x']},
                      {'layers': [busybox], 'args': []}, {'layers': [busybox], 'args': ['x'], 'env': ['no-value']},
                      {'layers': [busybox], 'args': ['x'], 'cwd': 'relative'},
                      {'layers': [busybox], 'args': ['x'], 'memory': 1000}]:
        runner.plan(container)
        assert runner.refused('start').split()[0] in ('invalid', 'not-found')
