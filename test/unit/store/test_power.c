/*
 * B1 and B3 over power loss, on a real ext4: at every step of every put the block device is copied,
 * as a power cut would leave it; each copy is mounted later, its journal replayed, and every name
 * in it must have its bytes, and every blob that was acknowledged its name.
 *
 * Needs root, loop devices and mkfs.ext4; says that it skips where it has not got them.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/id.h"
#include "scratch.h"
#include "store/disk.h"
#include "store/upload.h"

#include "bytes.h"

#define BLOBS     4
#define COPIES    64
#define NOT_HERE  77
#define IMAGE_MIB 24

static const uint64_t sizes[BLOBS] = { 4096, 5001, (3 << 20) + 77, 70000 };

static struct {
    char dir[64];
    int copies, acknowledged;
    int promised[COPIES]; /* blobs acknowledged when the copy was taken */
    bool commit_first;    /* let the journal commit what it has, at the worst moment */
    bool careless;        /* the control: names before bytes, which the test must notice */
} power;

static bool __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
    char command[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    return system(command) == 0;
}

static void
copy_device(const char *step)
{
    char name[128];
    int fd;

    if (strcmp(step, "upload.write") == 0)
        return;
    if (power.commit_first) {
        (void)snprintf(name, sizeof(name), "%s/live/unrelated", power.dir);
        fd = open(name, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
        if (write(fd, "x", 1) != 1 || fsync(fd) < 0)
            abort();
        (void)close(fd);
    }
    if (power.copies == COPIES ||
        !run("cp --sparse=always %s/image %s/copy%d", power.dir, power.dir, power.copies))
        abort();
    power.promised[power.copies++] = power.acknowledged;
}

static int
no_writeout(int fd)
{
    (void)fd;
    return 0;
}

static int
mount_image(const char *image, const char *folder)
{
    char at[128];

    (void)snprintf(at, sizeof(at), "%s/%s", power.dir, folder);
    if (!run("mkdir -p %s && mount -o loop %s/%s %s", at, power.dir, image, at))
        return -1;
    return open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
push_one(struct blobs *bs, uint64_t i)
{
    struct bytes from = { .seed = i, .size = sizes[i] };
    struct digest d = bytes_digest(DIGEST_SHA256, i, sizes[i]);
    struct err err = { 0 };
    struct upload *up = NULL;
    char id[ID_LEN + 1];
    uint64_t n;

    if (i % 2 == 0) {
        must(&err, blob_put(bs, bytes_source, &from, -1, &d, &n, &err));
    } else {
        id_new(id);
        must(&err, upload_new(bs, id, &err));
        must(&err, upload_open(bs, id, &up, &err));
        must(&err, upload_feed(up, bytes_source, &from, -1, &n, &err));
        must(&err, upload_commit(up, &d, &err));
        upload_free(up);
    }
    power.acknowledged++;
}

static void
live(int fd)
{
    const struct blob_limits limits = { .large = 1 << 20 };
    struct disk_ops disk = disk_real;
    struct err err = { 0 };

    disk.step = copy_device;
    if (power.careless)
        disk.writeout = no_writeout;
    struct blobs *bs = blobs_open(fd, &disk, &limits, &err);
    must(&err, bs != NULL ? 0 : -1);
    for (uint64_t i = 0; i < BLOBS; i++)
        push_one(bs, i);
    copy_device("end");
    blobs_free(bs);
}

/* 0, or how many promises one copy breaks. */
static int
broken_in(int fd, int promised)
{
    struct err err = { 0 };
    OWN(blobs) bs = blobs_open(fd, NULL, NULL, &err);
    int broken = 0;

    must(&err, bs != NULL ? 0 : -1);
    for (uint64_t i = 0; i < BLOBS; i++) {
        struct digest d = bytes_digest(DIGEST_SHA256, i, sizes[i]);
        int r = blob_verify(bs, &d, &err);

        err_clear(&err);
        broken += r < 0 || (r == 1 && (int)i < promised);
    }
    return broken;
}

static int
check_copies(void)
{
    int broken = 0;

    for (int i = 0; i < power.copies; i++) {
        char name[16];
        int fd;

        (void)snprintf(name, sizeof(name), "copy%d", i);
        if ((fd = mount_image(name, "dead")) < 0)
            return 99;
        broken += broken_in(fd, power.promised[i]);
        (void)close(fd);
        if (!run("umount %s/dead", power.dir))
            return 98;
    }
    return broken > 50 ? 50 : broken;
}

/* In a child with mounts of its own: exits with the number of broken promises. */
static int
cut_the_power(void)
{
    int fd, broken;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        !run("PATH=$PATH:/sbin:/usr/sbin; cd %s && truncate -s %dM image && mkfs.ext4 -q -F image",
             power.dir, IMAGE_MIB) ||
        (fd = mount_image("image", "live")) < 0 || !disk_real.ordered(fd))
        return NOT_HERE;
    live(fd);
    (void)close(fd);
    broken = check_copies();
    return run("umount %s/live", power.dir) ? broken : 97;
}

static int
broken_promises(bool commit_first, bool careless)
{
    SCRATCH(s);
    pid_t child;
    int status;

    (void)snprintf(power.dir, sizeof(power.dir), "%s", s.dir);
    power.commit_first = commit_first;
    power.careless = careless;
    if ((child = fork()) == 0)
        _exit(cut_the_power());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_HERE) {
        print_message("skipped: needs root, loop devices and mkfs.ext4\n");
        skip();
    }
    return WEXITSTATUS(status);
}

static void
b1_b3_power_lost_at_any_step(void **state)
{
    (void)state;
    assert_int_equal(broken_promises(false, false), 0);
}

static void
b1_b3_power_lost_just_after_a_commit_of_the_journal(void **state)
{
    (void)state;
    assert_int_equal(broken_promises(true, false), 0);
}

static void
the_test_notices_names_before_bytes(void **state)
{
    (void)state;
    assert_true(broken_promises(true, true) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b1_b3_power_lost_at_any_step),
        cmocka_unit_test(b1_b3_power_lost_just_after_a_commit_of_the_journal),
        cmocka_unit_test(the_test_notices_names_before_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
