/* vault/vault.h against the real holdfast-vaultd, in a folder of its own. */
#include "vault/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/merkle.h"
#include "rt/channel.h"
#include "rt/child.h"
#include "vault/checkpoint_note.h"
#include "vault/signer.h"

#define EPOCH  "2b7c9a52-3f0e-4a53-9d1f-8b8f2f7f1a11"
#define EPOCH2 "3c7c9a52-3f0e-4a53-9d1f-8b8f2f7f1a11"
#define LEAVES 40

/* One key folder for all tests of this file: making an RSA key takes its time. */
static char folder[] = "/tmp/holdfast-vault-XXXXXX";
static uint8_t leaves[LEAVES][MERKLE_LEN];

struct service {
    struct vault *vault;
    pid_t pid;
};

static void
start(struct service *s)
{
    const char *const argv[] = { VAULTD_PATH, "--data", folder, NULL };
    struct err err = { 0 };
    int fds[2];
    struct child_settings c = { .path = VAULTD_PATH, .argv = argv, .n_fds = 1 };

    assert_int_equal(channel_pair(fds, &err), 0);
    c.fds = &fds[1];
    assert_int_equal(child_spawn(&c, &s->pid, &err), 0);
    (void)close(fds[1]);
    s->vault = vault_connect(fds[0], &err);
    assert_non_null(s->vault);
}

static int
stop(struct service *s)
{
    int status = -1;

    vault_free(s->vault);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    return status;
}

static void
forget_checkpoint(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/vault/checkpoint", folder);
    (void)unlink(path);
}

static int
fetch(void *arg, uint64_t first, unsigned level, uint8_t out[static MERKLE_LEN], struct err *err)
{
    struct merkle_frontier f = { 0 };

    (void)arg;
    (void)err;
    for (uint64_t i = 0; i < (uint64_t)1 << level; i++)
        merkle_add(&f, leaves[first + i]);
    merkle_root(&f, out);
    return 0;
}

static struct vault_checkpoint
checkpoint(uint64_t old_size, uint64_t size)
{
    struct vault_checkpoint c = { .epoch = EPOCH, .size = size, .old_size = old_size };
    struct merkle_frontier f = { 0 };
    struct err err = { 0 };

    c.time_us = 1000000;
    for (uint64_t i = 0; i < size; i++)
        merkle_add(&f, leaves[i]);
    merkle_root(&f, c.root);
    if (old_size > 0)
        assert_int_equal(
            merkle_prove_consistency(old_size, size, fetch, NULL, c.proof, &c.n_proof, &err), 0);
    return c;
}

static int
sign(struct service *s, const struct vault_checkpoint *c, enum err_kind *kind)
{
    uint8_t sig[VAULT_SIGNATURE_MAX];
    struct err err = { 0 };
    size_t n = 0;
    int rc = vault_sign_checkpoint(s->vault, c, sig, &n, &err);
    OWN_BUF(note, CHECKPOINT_NOTE_MAX);
    OWN_BUF(der, KEY_DER_MAX);

    *kind = err.kind;
    if (rc < 0)
        return -1;
    checkpoint_note(c->epoch, c->size, c->root, c->time_us, &note);
    assert_int_equal(vault_public_key(s->vault, VAULT_KEY_CHECKPOINT, &der, &err), 0);
    {
        OWN(key) key = key_from_public(buf_view(&der), &err);

        assert_true(key_verify(key, buf_view(&note), sig, n));
    }
    return 0;
}

static void
keys_sign_and_stay_the_same_over_a_restart(void **state)
{
    struct err err = { 0 };
    uint8_t sig[VAULT_SIGNATURE_MAX];
    size_t n = 0;

    (void)state;
    for (int key = VAULT_KEY_TOKEN_ES256; key <= VAULT_KEY_TOKEN_RS256; key++) {
        OWN_BUF(der, KEY_DER_MAX);
        OWN_BUF(again, KEY_DER_MAX);
        OWN(key) public = NULL;
        struct service s;

        start(&s);
        assert_int_equal(vault_public_key(s.vault, (enum vault_key)key, &der, &err), 0);
        assert_int_equal(vault_sign(s.vault, (enum vault_key)key, TEXT("a.b"), sig, &n, &err), 0);
        assert_int_equal(stop(&s), 0);
        public = key_from_public(buf_view(&der), &err);
        assert_true(key_verify(public, TEXT("a.b"), sig, n));
        start(&s);
        assert_int_equal(vault_public_key(s.vault, (enum vault_key)key, &again, &err), 0);
        assert_int_equal(stop(&s), 0);
        assert_true(text_equal(buf_view(&der), buf_view(&again)));
    }
}

static void
v1_key_files_are_private(void **state)
{
    char path[128];
    struct stat st;
    int checked = 0;
    DIR *d;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/vault", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    d = opendir(path);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        checked++;
    }
    assert_true(checked >= 5);
    (void)closedir(d);
}

static void
v2_only_growth_is_signed(void **state)
{
    struct vault_checkpoint c;
    struct service s;
    enum err_kind kind;
    char epoch[37];
    uint8_t root[VAULT_ROOT_LEN];
    uint64_t size = 0;
    struct err err = { 0 };

    (void)state;
    forget_checkpoint();
    start(&s);
    assert_int_equal(vault_last_checkpoint(s.vault, epoch, &size, root, &err), 1);
    c = checkpoint(0, 5);
    assert_int_equal(sign(&s, &c, &kind), 0);
    c = checkpoint(5, 23);
    assert_int_equal(sign(&s, &c, &kind), 0);
    c = checkpoint(23, 23); /* the same once more: a signature may have been lost */
    assert_int_equal(sign(&s, &c, &kind), 0);
    c = checkpoint(0, 5); /* shrunken */
    assert_int_equal(sign(&s, &c, &kind), -1);
    assert_int_equal(kind, ERR_CONFLICT);
    c = checkpoint(23, 40); /* forked: another past */
    c.root[0] ^= 1;
    assert_int_equal(sign(&s, &c, &kind), -1);
    assert_int_equal(kind, ERR_CONFLICT);
    c = checkpoint(5, 40); /* a true proof, but not from the last one signed */
    assert_int_equal(sign(&s, &c, &kind), -1);
    assert_int_equal(kind, ERR_CONFLICT);
    c = checkpoint(23, 40); /* another log altogether */
    memcpy(c.epoch, EPOCH2, sizeof(c.epoch));
    assert_int_equal(sign(&s, &c, &kind), -1);
    assert_int_equal(kind, ERR_CONFLICT);
    assert_int_equal(vault_last_checkpoint(s.vault, epoch, &size, root, &err), 0);
    assert_true(size == 23);
    assert_string_equal(epoch, EPOCH);
    assert_int_equal(stop(&s), 0);
    start(&s); /* and it remembers */
    c = checkpoint(0, 4);
    assert_int_equal(sign(&s, &c, &kind), -1);
    c = checkpoint(23, 40);
    assert_int_equal(sign(&s, &c, &kind), 0);
    assert_int_equal(stop(&s), 0);
}

static void
k3_a_damaged_memory_signs_nothing(void **state)
{
    char path[128];
    struct vault_checkpoint c = checkpoint(0, 40);
    struct service s;
    enum err_kind kind;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/vault/checkpoint", folder);
    assert_int_equal(truncate(path, 10), 0);
    start(&s);
    assert_int_equal(sign(&s, &c, &kind), -1);
    assert_int_equal(kind, ERR_CORRUPT);
    assert_int_equal(stop(&s), 0);
    forget_checkpoint();
}

static void
s2_the_audit_key_is_given_once(void **state)
{
    struct secret *one = NULL, *two = NULL, *three = NULL;
    struct err err = { 0 }, again = { 0 }, after = { 0 };
    struct service s;

    (void)state;
    start(&s);
    assert_int_equal(vault_audit_key(s.vault, &one, &err), 0);
    assert_int_equal(secret_view(one).n, 32);
    assert_int_equal(vault_audit_key(s.vault, &two, &again), -1);
    assert_int_equal(vault_audit_key(s.vault, &three, &after), -1);
    assert_int_equal(after.kind, ERR_IO);
    assert_string_equal(after.msg, "the key service is not running");
    assert_int_not_equal(stop(&s), 0);
    start(&s); /* a new process gives the same key */
    err_clear(&err);
    assert_int_equal(vault_audit_key(s.vault, &two, &err), 0);
    assert_true(secret_equal(secret_view(one), secret_view(two)));
    assert_int_equal(stop(&s), 0);
    secret_free(one);
    secret_free(two);
}

static void
s3_the_checkpoint_key_signs_no_tokens(void **state)
{
    uint8_t sig[VAULT_SIGNATURE_MAX];
    struct err err = { 0 };
    struct service s;
    size_t n = 0;

    (void)state;
    start(&s);
    assert_int_equal(vault_sign(s.vault, VAULT_KEY_CHECKPOINT, TEXT("a.b"), sig, &n, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_int_equal(stop(&s), 0);
}

static void
v3_what_is_not_in_the_table_closes_the_channel(void **state)
{
    static const struct {
        uint32_t type;
        size_t n;
    } strange[] = { { 99, 0 }, { 3, 1 }, { 1, 1 + VAULT_SIGN_MAX + 1 }, { 2, 2 } };
    static char body[VAULT_SIGN_MAX + 64];

    (void)state;
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        const char *const argv[] = { VAULTD_PATH, "--data", folder, NULL };
        struct child_settings c = { .path = VAULTD_PATH, .argv = argv, .n_fds = 1 };
        struct err err = { 0 };
        int fds[2], status = 0;
        pid_t pid;

        assert_int_equal(channel_pair(fds, &err), 0);
        c.fds = &fds[1];
        assert_int_equal(child_spawn(&c, &pid, &err), 0);
        (void)close(fds[1]);
        {
            OWN(channel) channel = channel_new(fds[0], NULL, NULL, &err);
            OWN_BUF(answer, 4096);

            assert_int_equal(channel_ask(channel, strange[i].type, text_from(body, strange[i].n),
                                         clock_mono_us() + 5000000, &answer, &err),
                             -1);
            assert_int_equal(waitpid(pid, &status, 0), pid);
        }
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    }
}

static const char *die_at;

static void
die(const char *step)
{
    if (strcmp(step, die_at) == 0)
        (void)kill(getpid(), SIGKILL);
}

/* The signer in a child of this test, killed at a step. */
static void
start_doomed(struct service *s, const char *step)
{
    struct err err = { 0 };
    int fds[2];

    assert_int_equal(channel_pair(fds, &err), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        char path[128];
        int dir;

        (void)close(fds[0]);
        (void)snprintf(path, sizeof(path), "%s/vault", folder);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        die_at = step;
        _exit(signer_serve(fds[1], dir, die, &err) == 0 ? 0 : 1);
    }
    (void)close(fds[1]);
    s->vault = vault_connect(fds[0], &err);
}

static void
s1_killed_at_every_step_it_never_forgets_what_left(void **state)
{
    static const char *const steps[] = { "checkpoint.checked", "checkpoint.remembered",
                                         "checkpoint.signed" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct vault_checkpoint c = checkpoint(0, 7);
        struct err err = { 0 };
        struct service s;
        enum err_kind kind;
        char epoch[37];
        uint8_t root[VAULT_ROOT_LEN];
        uint64_t size = 0;
        int status, known;

        forget_checkpoint();
        start_doomed(&s, steps[i]);
        assert_int_equal(sign(&s, &c, &kind), -1); /* no signature ever left */
        assert_int_equal(kind, ERR_IO);
        status = stop(&s);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        start(&s);
        known = vault_last_checkpoint(s.vault, epoch, &size, root, &err);
        assert_int_equal(known, i == 0 ? 1 : 0);
        c = checkpoint(known == 0 ? size : 0, 9); /* going on works from what it remembers */
        assert_int_equal(sign(&s, &c, &kind), 0);
        assert_int_equal(stop(&s), 0);
    }
}

static void
a_dead_service_is_said_to_be_dead_and_can_be_replaced(void **state)
{
    const char *const argv[] = { VAULTD_PATH, "--data", folder, NULL };
    uint8_t sig[VAULT_SIGNATURE_MAX];
    struct err err = { 0 };
    struct service s;
    size_t n = 0;
    int fds[2], status;
    struct child_settings c = { .path = VAULTD_PATH, .argv = argv, .n_fds = 1 };

    (void)state;
    start(&s);
    assert_int_equal(kill(s.pid, SIGKILL), 0);
    assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
    assert_int_equal(vault_sign(s.vault, VAULT_KEY_TOKEN_ES256, TEXT("x"), sig, &n, &err), -1);
    assert_int_equal(err.kind, ERR_IO);
    assert_string_equal(err.msg, "the key service is not running");
    err_clear(&err);
    assert_int_equal(channel_pair(fds, &err), 0);
    c.fds = &fds[1];
    assert_int_equal(child_spawn(&c, &s.pid, &err), 0);
    (void)close(fds[1]);
    assert_int_equal(vault_reconnect(s.vault, fds[0], &err), 0);
    assert_int_equal(vault_sign(s.vault, VAULT_KEY_TOKEN_ES256, TEXT("x"), sig, &n, &err), 0);
    assert_int_equal(stop(&s), 0);
}

/* B1: what /proc says about the process (a line of its status). */
static void
assert_status(pid_t pid, const char *line)
{
    char path[64], got[256];
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    assert_non_null(f = fopen(path, "r"));
    while (fgets(got, sizeof(got), f) != NULL)
        found = found || strcmp(got, line) == 0;
    (void)fclose(f);
    assert_true(found);
}

static void
b1_it_has_given_everything_up(void **state)
{
    struct err err = { 0 };
    struct service s;
    OWN_BUF(der, KEY_DER_MAX);

    (void)state;
    start(&s);
    assert_int_equal(vault_public_key(s.vault, VAULT_KEY_TOKEN_ES256, &der, &err), 0);
    assert_status(s.pid, "NoNewPrivs:\t1\n");
    assert_status(s.pid, "Seccomp:\t2\n");
    assert_status(s.pid, "Threads:\t1\n");
    assert_int_equal(stop(&s), 0);
}

static void
k1_a_missing_key_is_never_made_anew(void **state)
{
    char path[128], aside[128];
    uint8_t sig[VAULT_SIGNATURE_MAX];
    struct err err = { 0 };
    struct service s;
    size_t n = 0;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/vault/token-es256.key", folder);
    (void)snprintf(aside, sizeof(aside), "%s/vault/aside", folder);
    assert_int_equal(rename(path, aside), 0);
    start(&s);
    assert_int_equal(vault_sign(s.vault, VAULT_KEY_TOKEN_ES256, TEXT("x"), sig, &n, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(stop(&s), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(rename(aside, path), 0);
}

static int
make_folder(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < LEAVES; i++)
        merkle_leaf(&i, 1, leaves[i]);
    return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
    static const char *const files[] = { "token-es256.key", "token-rs256.key", "checkpoint.key",
                                         "audit.key",       "complete",        "checkpoint" };
    char path[160];

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/vault/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/vault", folder);
    return rmdir(path) != 0 || rmdir(folder) != 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sign_and_stay_the_same_over_a_restart),
        cmocka_unit_test(v1_key_files_are_private),
        cmocka_unit_test(v2_only_growth_is_signed),
        cmocka_unit_test(k3_a_damaged_memory_signs_nothing),
        cmocka_unit_test(s2_the_audit_key_is_given_once),
        cmocka_unit_test(s3_the_checkpoint_key_signs_no_tokens),
        cmocka_unit_test(v3_what_is_not_in_the_table_closes_the_channel),
        cmocka_unit_test(s1_killed_at_every_step_it_never_forgets_what_left),
        cmocka_unit_test(a_dead_service_is_said_to_be_dead_and_can_be_replaced),
        cmocka_unit_test(b1_it_has_given_everything_up),
        cmocka_unit_test(k1_a_missing_key_is_never_made_anew),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
