#include "runner/reconcile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "runner/remove.h"

typedef void visit(struct host *h, const char *name);

/* Names are collected first: the visitor removes them. */
static void
each_name(struct host *h, int dirfd, visit *fn)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    OWN_BUF(names, 16u * 1024 * 1024);
    struct text rest, name;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            buf_add(&names, entry->d_name, strlen(entry->d_name) + 1);
    if (dir != NULL)
        (void)closedir(dir);
    rest = buf_view(&names);
    while (text_cut(&rest, '\0', &name))
        if (name.n > 0)
            fn(h, name.p);
}

static void
remove_group(struct host *h, const char *id)
{
    struct err err = { 0 };

    if (group_remove_whole(h, id, &err) != 0)
        log_err(LOG_LEVEL_ERROR, "a group could not be removed", NULL, &err);
}

static bool
marked(const struct host *h, const char *id, const char *mark)
{
    char path[ID_LEN + 16];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", id, mark);
    return fstatat(h->place.groups_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
take_up_group(struct host *h, const char *id)
{
    uint32_t slot = slot_of(h, id);
    struct err err = { 0 };
    int rc = 1;

    if (!id_is(text_of(id)))
        return; /* not ours, whoever put it there */
    if (slot != PLACE_SLOT_NONE && marked(h, id, "ready") && !marked(h, id, "deleting"))
        rc = group_load(h, id, slot, &err);
    if (rc < 0)
        log_err(LOG_LEVEL_ERROR, "a group could not be taken up", NULL, &err);
    if (rc == 1)
        remove_group(h, id);
}

static void
sweep_slot(struct host *h, const char *name)
{
    char target[ID_LEN + 2] = { 0 };
    ssize_t n = readlinkat(h->place.slots_fd, name, target, sizeof(target) - 1);

    if (n != ID_LEN || group_find(h, target) == NULL)
        (void)unlinkat(h->place.slots_fd, name, 0);
}

static void
sweep_run_folder(struct host *h, const char *id)
{
    if (id_is(text_of(id)) && group_find(h, id) == NULL)
        remove_group(h, id); /* by its id, a supervisor still listening there included */
}

static void
sweep_trash(struct host *h, const char *name)
{
    (void)!remove_tree(h->place.trash_fd, name, &(struct err){ 0 });
}

static void
sweep_layer(struct host *h, const char *name)
{
    if (text_starts(text_of(name), "new-"))
        (void)!remove_tree(h->place.layers_fd, name, &(struct err){ 0 });
}

static void
sweep_cgroup(void *self, const char *id)
{
    struct host *h = self;

    if (group_find(h, id) == NULL)
        (void)!cgroup_remove(&h->cgroup, h->place.tag, id, &(struct err){ 0 });
}

static void
sweep_link(void *self, const char *name)
{
    struct host *h = self;
    char own[LINK_NAME_MAX];

    for (const struct group *g = h->groups; g != NULL; g = g->next) {
        group_link_name(h, g->slot, own);
        if (strcmp(own, name) == 0)
            return;
    }
    (void)!link_delete(name, &(struct err){ 0 });
}

static int
load_rules(struct host *h, struct err *err)
{
    size_t n = 0, at = 0;
    OWN_MEM(struct packet_group) rules = NULL;
    char(*links)[LINK_NAME_MAX];
    int rc;

    for (const struct group *g = h->groups; g != NULL; g = g->next)
        n++;
    rules = mem_zalloc((n + 1) * sizeof(*rules));
    links = mem_zalloc((n + 1) * sizeof(*links));
    if (rules == NULL || links == NULL) {
        mem_free(links);
        return err_memory(err);
    }
    for (const struct group *g = h->groups; g != NULL; g = g->next, at++)
        group_rules(h, g, &rules[at], links[at]);
    rc = packet_load(&h->packet, rules, n, err);
    mem_free(links);
    return rc;
}

int
reconcile(struct host *h, struct err *err)
{
    char prefix[LINK_NAME_MAX];

    (void)snprintf(prefix, sizeof(prefix), "hv%s.", h->place.tag);
    each_name(h, h->place.groups_fd, take_up_group);
    each_name(h, h->place.run_groups_fd, sweep_run_folder);
    each_name(h, h->place.slots_fd, sweep_slot);
    each_name(h, h->place.trash_fd, sweep_trash);
    each_name(h, h->place.layers_fd, sweep_layer);
    cgroup_each(&h->cgroup, h->place.tag, sweep_cgroup, h);
    if (link_each(prefix, sweep_link, h, err) != 0)
        return -1;
    return load_rules(h, err);
}

void
reconcile_leave(struct host *h)
{
    struct err err = { 0 };

    if (h->groups != NULL)
        return;
    (void)!packet_unload(&h->packet, &err);
    (void)!link_delete(h->bridge, &err);
}
