/* registry_request.c - what the handlers of this room take from a request and put in an answer. */
#include "registry/registry_priv.h"

#include <string.h>

#include "registry/registry_dialect.h"
#include "registry/registry_names.h"

#define REPOSITORIES "/repositories/"

/* "/subscriptions/S/resourceGroups/G/providers/NS/registries/NAME" is eight segments; what follows
 * is the repository.  Counted, because any of the names may look like a word of the id. */
#define ID_SEGMENTS 8

static struct text
registry_id(struct text scope, struct text *name)
{
    const char *end = scope.p + scope.n, *segment = scope.p, *next = scope.p;

    for (size_t i = 0; i < ID_SEGMENTS && next != NULL && next < end; i++) {
        segment = next + 1; /* behind its slash */
        next = memchr(segment, '/', (size_t)(end - segment));
    }
    if (next == NULL)
        next = end;
    *name = text_from(segment, (size_t)(next - segment));
    return text_from(scope.p, (size_t)(next - scope.p));
}

int
registry_place(struct exchange *x, struct place *out, struct err *err)
{
    struct text name;

    (void)registry_id(x->scope, &name);
    name = registry_lower(x->arena, name);
    if (name.n == 0)
        return err_set(err, ERR_IO, "the registry that is addressed is not known");
    *out = (struct place){ name, exchange_param(x, "name") };
    return 0;
}

struct text
registry_repository_scope(struct exchange *x, struct text repository)
{
    struct text name;
    struct text base = registry_id(x->scope, &name);
    size_t n = base.n + sizeof(REPOSITORIES) - 1 + repository.n;
    char *out = arena_take(x->arena, n);

    if (out == NULL)
        return (struct text){ NULL, 0 };
    memcpy(out, base.p, base.n);
    memcpy(out + base.n, REPOSITORIES, sizeof(REPOSITORIES) - 1);
    memcpy(out + base.n + sizeof(REPOSITORIES) - 1, repository.p, repository.n);
    return text_from(out, n);
}

int
registry_digest(struct exchange *x, struct text text, const struct digest **out, struct err *err)
{
    struct digest *d = arena_take(x->arena, sizeof(*d));

    if (d == NULL)
        return err_memory(err);
    if (digest_parse(d, text, err) < 0)
        return -1;
    *out = x->digest = d;
    return 0;
}

int
registry_page(struct exchange *x, struct page *page, struct err *err)
{
    struct text n = exchange_query(x, "n");
    uint64_t wanted = REGISTRY_PAGE_MAX;

    if (n.p != NULL && !text_to_u64(n, INT64_MAX, &wanted))
        return err_code(err, ERR_INVALID, "PAGINATION_NUMBER_INVALID", "n=%.*s is not a number",
                        TEXT_ARG(text_first(n, 40)));
    *page = (struct page){
        .last = exchange_query(x, "last"),
        .n = wanted < REGISTRY_PAGE_MAX ? (size_t)wanted : REGISTRY_PAGE_MAX,
        .arena = x->arena,
    };
    if (page->last.p == NULL)
        page->last = TEXT("");
    return 0;
}

/* Relative, so that no proxy between us and the client makes it wrong. */
void
registry_next(struct exchange *x, const struct page *page)
{
    OWN_BUF(link, 4096);
    struct text type = exchange_query(x, "artifactType");

    if (!page->more || page->n == 0)
        return;
    buf_str(&link, "<");
    buf_text(&link, x->path);
    buf_printf(&link, "?n=%zu&last=", page->n);
    url_encode_query(&link, page->end);
    if (type.p != NULL) {
        buf_str(&link, "&artifactType=");
        url_encode_query(&link, type);
    }
    buf_str(&link, ">; rel=\"next\"");
    if (buf_failed(&link))
        x->answer.broken = true;
    else
        answer_field(x, "Link", arena_text(x->arena, buf_view(&link)));
}

void
registry_begin(struct exchange *x, int status)
{
    answer_status(x, status);
    answer_field(x, "Docker-Distribution-Api-Version", TEXT("registry/2.0"));
}

void
registry_field_digest(struct exchange *x, const char *name, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX + 1];
    size_t n = digest_text(digest, text);

    answer_field(x, name, arena_text(x->arena, text_from(text, n)));
}
