"""Real clients log in, push and pull over TLS; what comes back is what went in."""
import json
import shutil
import subprocess
import tempfile
import time

import pytest
from daemon_rig import digest_of, run



def stored_digest(holdfast, repository, tag):
    answer = holdfast.request('HEAD', f'/v2/{repository}/manifests/{tag}', auth=holdfast.user)
    assert answer.status == 200, answer
    return answer.headers['Docker-Content-Digest']


def test_skopeo(holdfast, layout, home):
    image = f'docker://{holdfast.host}/skopeo/web:1'
    user, password = holdfast.user
    certs = ['--cert-dir', holdfast.certs]
    run(['skopeo', 'login', *certs, '-u', user, '-p', password, holdfast.host])
    run(['skopeo', 'copy', '--dest-cert-dir', holdfast.certs, layout.busybox, image])
    assert stored_digest(holdfast, 'skopeo/web', '1') == digest_of(layout.busybox_manifest)
    run(['skopeo', 'copy', '--src-cert-dir', holdfast.certs, image, f'oci:{home}/back:1'])
    index = json.loads((home / 'back' / 'index.json').read_text())
    assert index['manifests'][0]['digest'] == digest_of(layout.busybox_manifest)
    assert json.loads(run(['skopeo', 'inspect', *certs, image]).stdout)['RepoTags'] == ['1']
    assert json.loads(run(['skopeo', 'list-tags', *certs, image[:-2]]).stdout)['Tags'] == ['1']
    # To another repository of the same registry: layers are mounted, not sent again.
    run(['skopeo', 'copy', '--src-cert-dir', holdfast.certs, '--dest-cert-dir', holdfast.certs, image,
         f'docker://{holdfast.host}/skopeo/other:1'])
    run(['skopeo', 'delete', *certs, image])
    assert holdfast.request('HEAD', '/v2/skopeo/web/manifests/1', auth=holdfast.user).status == 404
    assert stored_digest(holdfast, 'skopeo/other', '1') == digest_of(layout.busybox_manifest)


def test_skopeo_docker_format_and_all_of_an_index(holdfast, layout, home):
    image = f'docker://{holdfast.host}/skopeo/docker:1'
    creds = ':'.join(holdfast.user)
    run(['skopeo', 'copy', '--format', 'v2s2', '--dest-cert-dir', holdfast.certs, '--dest-creds', creds, layout.busybox,
         image])
    raw = run(['skopeo', 'inspect', '--raw', '--cert-dir', holdfast.certs, '--creds', creds, image]).stdout
    assert json.loads(raw)['mediaType'] == 'application/vnd.docker.distribution.manifest.v2+json'
    assert stored_digest(holdfast, 'skopeo/docker', '1') == digest_of(raw.encode())


def test_wrong_password(holdfast, home):
    failed = run(['skopeo', 'login', '--cert-dir', holdfast.certs, '-u', holdfast.user[0], '-p', 'wrong', holdfast.host],
                 check=False)
    assert failed.returncode != 0 and 'invalid username/password' in failed.stderr


@pytest.fixture
def storage(home):
    """podman wants a short path for what lives while it runs."""
    short = tempfile.mkdtemp(prefix='hf-')
    yield ['--root', home / 'storage', '--runroot', short, '--storage-driver', 'vfs']
    shutil.rmtree(short, ignore_errors=True)


def test_podman(holdfast, layout, home, storage):
    user, password = holdfast.user
    certs = ['--cert-dir', holdfast.certs]
    image = f'{holdfast.host}/podman/web:1'
    podman = ['podman', *storage]
    run([*podman, 'login', *certs, '-u', user, '-p', password, holdfast.host])
    local = run([*podman, 'pull', '-q', layout.busybox]).stdout.strip()
    run([*podman, 'push', '-q', *certs, '--digestfile', home / 'digest', local, image])
    assert (home / 'digest').read_text() == stored_digest(holdfast, 'podman/web', '1')
    run([*podman, 'rmi', '-f', local])
    run([*podman, 'pull', '-q', *certs, image])
    inspected = json.loads(run([*podman, 'image', 'inspect', image]).stdout)[0]
    assert inspected['Digest'] == stored_digest(holdfast, 'podman/web', '1')


def test_buildah(holdfast, home, storage):
    user, password = holdfast.user
    image = f'{holdfast.host}/buildah/web:1'
    buildah = ['buildah', *storage]
    context = home / 'context'
    context.mkdir()
    shutil.copy('/bin/busybox', context / 'busybox')
    (context / 'Dockerfile').write_text('FROM scratch\nCOPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "echo built > /built"]\n')
    run([*buildah, 'login', '--cert-dir', holdfast.certs, '-u', user, '-p', password, holdfast.host])
    run([*buildah, 'bud', '--isolation', 'chroot', '-t', image, context])
    run([*buildah, 'push', '--cert-dir', holdfast.certs, '--digestfile', home / 'digest', image])
    assert (home / 'digest').read_text() == stored_digest(holdfast, 'buildah/web', '1')
    run([*buildah, 'rmi', '-f', image])
    run([*buildah, 'pull', '--cert-dir', holdfast.certs, image])
    # An index of one image, with everything it refers to.
    run([*buildah, 'manifest', 'create', 'many', image])
    run([*buildah, 'manifest', 'push', '--all', '--cert-dir', holdfast.certs, 'many', f'docker://{image[:-2]}:many'])
    raw = run(['skopeo', 'inspect', '--raw', '--cert-dir', holdfast.certs, f'docker://{image[:-2]}:many']).stdout
    assert 'manifests' in json.loads(raw)


class Docker:
    """A dockerd of our own: no bridge, no packet rules, nothing outside its folder."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / 'docker.sock'
        config = {'bridge': 'none', 'iptables': False, 'ip6tables': False, 'storage-driver': 'vfs',
                  'data-root': str(folder / 'data'), 'exec-root': str(folder / 'exec'),
                  'pidfile': str(folder / 'pid'), 'hosts': [f'unix://{self.socket}']}
        (folder / 'daemon.json').write_text(json.dumps(config))
        self.log = open(folder / 'log', 'wb')
        self.process = subprocess.Popen(['dockerd', '--config-file', str(folder / 'daemon.json')], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        for _ in range(300):
            if self.do('version', check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError((folder / 'log').read_text(errors='replace')[-3000:])

    def do(self, *words, **more):
        return run(['/usr/bin/docker', '-H', f'unix://{self.socket}', '--config', self.folder / 'client', *words], **more)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


@pytest.fixture(scope='module')
def docker(tmp_path_factory, layout):
    engine = Docker(tmp_path_factory.mktemp('docker'))
    archive = engine.folder / 'busybox.tar'
    run(['skopeo', 'copy', layout.busybox, f'docker-archive:{archive}:busybox:local'])
    engine.do('load', '-i', archive)
    yield engine
    engine.close()


def test_docker(holdfast, docker):
    user, password = holdfast.user
    image = f'{holdfast.host}/docker/web:1'
    docker.do('login', '-u', user, '--password-stdin', holdfast.host, input=password)
    docker.do('tag', 'busybox:local', image)
    pushed = docker.do('push', image).stdout
    digest = stored_digest(holdfast, 'docker/web', '1')
    assert digest in pushed
    docker.do('rmi', image, 'busybox:local')
    assert digest in docker.do('pull', image).stdout
    assert digest in docker.do('image', 'inspect', '-f', '{{.RepoDigests}}', image).stdout
    docker.do('tag', image, 'busybox:local')
    # Known layers are mounted from the first repository.
    other = f'{holdfast.host}/docker/other:1'
    docker.do('tag', image, other)
    assert 'Mounted from docker/web' in docker.do('push', other).stdout
    docker.do('rmi', other, image)
    docker.do('logout', holdfast.host)
    failed = docker.do('pull', image, check=False)
    assert failed.returncode != 0 and 'unauthorized' in failed.stderr


def test_docker_push_without_the_right_fails_at_once(new_holdfast, docker):
    holdfast = new_holdfast().start()
    holdfast.demote_principal(('AcrPull', 'readable'))
    user, password = holdfast.principal
    docker.do('login', '-u', user, '--password-stdin', holdfast.host, input=password)
    for repository in ('readable', 'unknown'):
        image = f'{holdfast.host}/{repository}:1'
        docker.do('tag', 'busybox:local', image)
        began = time.monotonic()
        failed = docker.do('push', image, check=False)
        took = time.monotonic() - began
        docker.do('rmi', image)
        assert failed.returncode != 0 and 'denied' in failed.stderr, failed.stderr
        assert took < 2, took
        # The reason, to those who may know that the repository is there.
        assert ('AcrPush' in failed.stderr) == (repository == 'readable'), failed.stderr


@pytest.fixture
def containerd(tmp_path):
    folder = tmp_path / 'containerd'
    folder.mkdir()
    address = folder / 'sock'
    (folder / 'config.toml').write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{address}"\n')
    with open(folder / 'log', 'wb') as log:
        process = subprocess.Popen(['containerd', '--config', str(folder / 'config.toml')], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
    for _ in range(100):
        if run(['ctr', '-a', address, 'version'], check=False).returncode == 0:
            break
        time.sleep(0.1)
    yield ['ctr', '-a', address]
    process.terminate()
    process.wait(timeout=30)


def test_containerd(holdfast, layout, home, containerd):
    hosts = home / 'hosts' / holdfast.host
    hosts.mkdir(parents=True)
    (hosts / 'hosts.toml').write_text(
        f'server = "{holdfast.url}"\n[host."{holdfast.url}"]\n  ca = "{holdfast.ca}"\n')
    who = ['--hosts-dir', home / 'hosts', '--user', ':'.join(holdfast.user)]
    image, archive = f'{holdfast.host}/ctr/web:1', home / 'image.tar'
    run(['skopeo', 'copy', layout.busybox, f'oci-archive:{archive}:{image}'])
    run([*containerd, 'images', 'import', '--no-unpack', archive])
    run([*containerd, 'images', 'push', *who, image])
    assert stored_digest(holdfast, 'ctr/web', '1') == digest_of(layout.busybox_manifest)
    run([*containerd, 'images', 'rm', image])
    run([*containerd, 'images', 'pull', '--snapshotter', 'native', *who, image])
    assert digest_of(layout.busybox_manifest) in run([*containerd, 'images', 'ls']).stdout
