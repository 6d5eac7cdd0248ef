#include "registry/registry_names.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "resource/resource.h"

#define FRESH_US 1000000 /* N1 */
#define MISS_US  2000

struct registry_names {
    struct resources *resources; /* borrowed; NULL: only the default one exists */
    char *fallback;              /* its id */
    pthread_mutex_t lock;        /* guards the rest */
    char **ids;
    size_t n;
    int64_t read_us; /* when, by the clock that never jumps */
};

struct registry_names *
registry_names_new(const char *subscription_id)
{
    static const char format[] =
        "/subscriptions/%s/resourceGroups/default/providers/" REGISTRY_TYPE "/" REGISTRY_DEFAULT;
    OWN(registry_names) names = mem_zalloc(sizeof(*names));
    size_t size = sizeof(format) + strlen(subscription_id);

    if (names == NULL)
        return NULL;
    if (pthread_mutex_init(&names->lock, NULL) != 0)
        return NULL;
    if ((names->fallback = mem_zalloc(size)) == NULL)
        return NULL;
    (void)snprintf(names->fallback, size, format, subscription_id);
    return GIVE(names);
}

static void
forget(struct registry_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        mem_free(names->ids[i]);
    mem_free(names->ids);
    names->ids = NULL;
    names->n = 0;
}

void
registry_names_free(struct registry_names *names)
{
    if (names == NULL)
        return;
    forget(names);
    mem_free(names->fallback);
    (void)pthread_mutex_destroy(&names->lock);
    mem_free(names);
}

void
registry_names_use(struct registry_names *names, struct resources *resources)
{
    names->resources = resources;
}

void
registry_names_forget(struct registry_names *names)
{
    (void)pthread_mutex_lock(&names->lock);
    names->read_us = 0;
    (void)pthread_mutex_unlock(&names->lock);
}

static int
remember(void *arg, const struct resource *r, struct err *err)
{
    struct registry_names *names = arg;
    char **ids = mem_grow(names->ids, (names->n + 1) * sizeof(*ids));

    if (ids == NULL)
        return err_memory(err);
    names->ids = ids;
    if ((ids[names->n] = mem_zalloc(r->id.n + 1)) == NULL)
        return err_memory(err);
    memcpy(ids[names->n], r->id.p, r->id.n);
    names->n++;
    return 0;
}

static int
read_again(struct registry_names *names, struct err *err)
{
    forget(names);
    names->read_us = 0;
    if (resources_each(names->resources, REGISTRY_TYPE, remember, names, err) < 0)
        return -1;
    names->read_us = clock_mono_us();
    return 0;
}

static struct text
last_segment(const char *id)
{
    return text_of(strrchr(id, '/') + 1);
}

static bool
look(const struct registry_names *names, struct text name, struct arena *arena, struct text *scope)
{
    for (size_t i = 0; i < names->n; i++)
        if (text_equal_nocase(last_segment(names->ids[i]), name)) {
            *scope = arena_text(arena, text_of(names->ids[i]));
            return true;
        }
    return false;
}

static int
find_locked(struct registry_names *names, struct text name, struct arena *arena, struct text *scope,
            struct err *err)
{
    int64_t age = clock_mono_us() - names->read_us;
    bool known = names->read_us > 0;

    if (known && age < FRESH_US && look(names, name, arena, scope))
        return 0;
    if (known && age < MISS_US)
        return 1;
    if (read_again(names, err) < 0)
        return -1;
    return look(names, name, arena, scope) ? 0 : 1;
}

int
registry_names_find(struct registry_names *names, struct text name, struct arena *arena,
                    struct text *scope, struct err *err)
{
    int found;

    if (names->resources == NULL) {
        if (!text_is_nocase(name, REGISTRY_DEFAULT))
            return 1;
        *scope = text_of(names->fallback);
        return 0;
    }
    (void)pthread_mutex_lock(&names->lock);
    found = find_locked(names, name, arena, scope, err);
    (void)pthread_mutex_unlock(&names->lock);
    if (found == 0 && arena_full(arena))
        return err_memory(err);
    return found;
}
