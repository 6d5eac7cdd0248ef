"""The decision records from outside: what is recorded, and what somebody with the database file cannot hide."""
import sqlite3
import threading

import pytest

VERIFY = '/providers/Holdfast.Audit/verify'
RECORDS = '/providers/Holdfast.Audit/records'
CHECKPOINT = '/providers/Holdfast.Audit/checkpoint'


def verify(holdfast, checkpoint=None):
    return holdfast.arm('POST', VERIFY, {'checkpoint': checkpoint} if checkpoint else {}, expect=[200]).json()


def records(holdfast, filter=None, top=1000):
    query = f'?$top={top}' + (f'&$filter={filter.replace(" ", "%20")}' if filter else '')
    return holdfast.arm('GET', RECORDS + query, expect=[200]).json()['value']


def tamper(holdfast, *statements):
    """As root, or whoever else can write the file, while nothing runs."""
    holdfast.stop()
    database = sqlite3.connect(holdfast.data / 'holdfast.db')
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()
    holdfast.start()


def story(holdfast, n=8):
    group = f'/subscriptions/{holdfast.admin["subscriptionId"]}/resourceGroups/'
    for i in range(n):
        holdfast.arm('PUT', f'{group}g{i}', {'location': 'local'}, expect=[201])


def test_push_refusal_and_read_are_recorded(new_holdfast):
    holdfast = new_holdfast().start()
    holdfast.demote_principal(('AcrPull', 'app'))
    assert holdfast.push_blob('app', b'layer').status == 201
    refused = holdfast.push_blob('app', b'other', auth=holdfast.principal)
    assert refused.status in (401, 403)
    # A refusal is durable before it is answered.
    last = records(holdfast, "verdict eq 'refused'")[0]
    assert last['requestId'] == refused.headers['X-Request-Id'] and last['kind'] == 'refusal'
    pushes = records(holdfast, "startswith(action, 'Microsoft.ContainerRegistry/registries/push') and kind eq 'change'")
    assert pushes and pushes[0]['role'] == 'Owner' and pushes[0]['digest'].startswith('sha256:')
    assert pushes[0]['scope'].endswith('/repositories/app')
    assert verify(holdfast)['valid']


def test_kept_checkpoint_is_extended_after_a_kill(new_holdfast):
    holdfast = new_holdfast().start()
    story(holdfast)
    kept = holdfast.arm('POST', CHECKPOINT, expect=[200]).json()
    errors = []

    def write():
        try:
            for i in range(200):
                holdfast.arm('PUT', f'/subscriptions/{holdfast.admin["subscriptionId"]}/resourceGroups/k{i}',
                             {'location': 'local'})
        except OSError as e:
            errors.append(e)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(timeout=0.5)
    holdfast.kill()
    writer.join()
    holdfast.start()
    report = verify(holdfast, {k: kept[k] for k in ('epoch', 'size', 'root', 'time', 'signature')})
    assert report['valid'], report
    # U1: a group is there exactly when its record is.
    scopes = {r['scope'] for r in records(holdfast, "kind eq 'change'")}
    groups = holdfast.arm('GET', f'/subscriptions/{holdfast.admin["subscriptionId"]}/resourceGroups',
                          expect=[200]).json()['value']
    assert {g['id'] for g in groups} - {s for s in scopes} == {g['id'] for g in groups if g['name'] == 'default'}
    assert {s for s in scopes if s.rsplit('/', 1)[-1].startswith('k')} <= {g['id'] for g in groups}
    kept['size'] -= 1
    assert verify(holdfast, kept)['findings'][0]['fault'] == 'checkpoint'


@pytest.mark.parametrize('statements, fault, first', [
    (["UPDATE audit_record SET caller_name = 'eve' WHERE seq = 5"], 'altered', 5),
    (["UPDATE audit_record SET status = 999 WHERE seq = 5"], 'altered', 5),
    (["DELETE FROM audit_record WHERE seq = 4"], 'removed', 4),
    (["UPDATE audit_record SET seq = seq + 1000 WHERE seq >= 4",
      "UPDATE audit_record SET seq = seq - 999 WHERE seq > 1000",
      "CREATE TEMP TABLE t AS SELECT * FROM audit_record WHERE seq = 2",
      "UPDATE t SET seq = 4, caller_name = 'eve'",
      "INSERT INTO audit_record SELECT * FROM t"], 'inserted', 4),
    (["DELETE FROM audit_record WHERE seq > 3", "DELETE FROM audit_checkpoint"], 'truncated', None),
])
def test_tampering_is_named(new_holdfast, statements, fault, first):
    holdfast = new_holdfast().start()
    story(holdfast)
    tamper(holdfast, *statements)
    report = verify(holdfast)
    assert not report['valid']
    named = [f for f in report['findings'] if f['fault'] == fault]
    assert named and (first is None or named[0]['first'] == first), report['findings']
    log_in(holdfast)
    told = holdfast.cli('audit', 'verify', check=False)
    assert told.returncode == 1 and fault in told.stdout + told.stderr, (told.stdout, told.stderr)


def log_in(holdfast):
    user, password = holdfast.user
    holdfast.cli('login', '--server', holdfast.url, '--ca', holdfast.ca, '-u', user, '--password-stdin', input=password)


def test_old_copy_is_served_but_never_signed(new_holdfast):
    holdfast = new_holdfast().start()
    story(holdfast, 2)
    holdfast.stop()
    copy = (holdfast.data / 'holdfast.db').read_bytes()
    holdfast.start()
    for i in range(6):
        holdfast.arm('PUT', f'/subscriptions/{holdfast.admin["subscriptionId"]}/resourceGroups/later{i}',
                     {'location': 'local'}, expect=[201])
    holdfast.stop()
    (holdfast.data / 'holdfast.db').write_bytes(copy)
    holdfast.start()
    assert 'not what was signed' in holdfast.log()
    refused = holdfast.arm('POST', CHECKPOINT)
    assert refused.status == 409 and 'old copy' in refused.json()['error']['message'], refused
    assert verify(holdfast)['findings'][0]['fault'] in ('truncated', 'checkpoint')
    assert records(holdfast)  # served all the same
