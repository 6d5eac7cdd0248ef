/* list.c - collections: what the caller may read of them, a page at a time. */
#include "access/access.h"
#include "resource/resource_priv.h"
#include "wire/filter.h"

struct page {
    struct resources *rs;
    struct exchange *x;
    json_t *values; /* borrowed */
    size_t max;
    bool more;
    struct text last; /* key of the last one shown */
    const struct filter *filter;
    bool groups_too; /* resource groups count as resources */
};

static bool
may_read(struct page *p, const struct resource *r)
{
    const struct registered *t = registered_type(p->rs, r->type);
    const char *prefix = text_is_nocase(r->type, TYPE_GROUP) ? ACTION_GROUP
                         : t != NULL                         ? t->type->action_prefix
                                                             : NULL;
    const char *action = prefix != NULL ? arena_printf(p->x->arena, "%s/read", prefix) : NULL;

    return action != NULL && exchange_allowed(p->x, action, r->id);
}

static int
matches_clause(const struct resource *r, const struct filter_clause *c, bool *out, struct err *err)
{
    struct text have;

    if (text_is_nocase(c->field, "resourceType"))
        have = r->type;
    else if (text_is_nocase(c->field, "resourceGroup"))
        have = r->group;
    else if (text_is_nocase(c->field, "name"))
        have = r->name;
    else if (text_is_nocase(c->field, "location"))
        have = r->location;
    else
        return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                        "$filter: \"%.*s\" cannot be filtered on; resourceType, resourceGroup, "
                        "name and location can",
                        TEXT_ARG(text_first(c->field, 60)));
    if (c->op != FILTER_EQ && c->op != FILTER_NE)
        return err_code(err, ERR_INVALID, "InvalidFilterInQueryString",
                        "$filter: only eq and ne are possible here");
    *out = text_equal_nocase(have, c->value) == (c->op == FILTER_EQ);
    return 0;
}

static int
matches(const struct page *p, const struct resource *r, struct err *err)
{
    bool yes = true;

    for (size_t i = 0; p->filter != NULL && i < p->filter->n && yes; i++)
        if (matches_clause(r, &p->filter->clauses[i], &yes, err) < 0)
            return -1;
    return yes ? 1 : 0;
}

static int
keep_place(struct page *p, const struct resource *r, struct err *err)
{
    struct row_key key;

    if (row_key(r->id, &key, err) < 0)
        return -1;
    p->last = arena_text(p->x->arena, text_from(key.p, key.n));
    return arena_full(p->x->arena) ? err_memory(err) : 0;
}

static int
add_to_page(void *arg, const struct resource *r, struct err *err)
{
    struct page *p = arg;
    json_t *doc;
    int yes;

    if (!p->groups_too && text_is_nocase(r->type, TYPE_GROUP))
        return 0;
    if ((yes = matches(p, r, err)) <= 0)
        return yes;
    if (!may_read(p, r))
        return 0;
    if (json_array_size(p->values) == p->max) {
        p->more = true;
        return 1;
    }
    if ((doc = document_of(p->rs, p->x, r, err)) == NULL)
        return -1;
    if (json_array_append_new(p->values, doc) < 0)
        return err_memory(err);
    return json_array_size(p->values) == p->max ? keep_place(p, r, err) : 0;
}

/* The same question, to be asked again behind ${token}. */
int
next_link(struct exchange *x, struct text token, json_t *doc, struct err *err)
{
    OWN_BUF(b, 16384);

    buf_printf(&b, "%s://%.*s%.*s?", x->secure ? "https" : "http", TEXT_ARG(x->host_name),
               TEXT_ARG(x->path));
    for (size_t i = 0; i < x->query.n; i++) {
        if (text_is_nocase(x->query.pairs[i].name, "$skiptoken"))
            continue;
        url_encode_query(&b, x->query.pairs[i].name);
        buf_char(&b, '=');
        url_encode_query(&b, x->query.pairs[i].value);
        buf_char(&b, '&');
    }
    buf_str(&b, "$skiptoken=");
    url_encode_query(&b, token);
    if (buf_check(&b, err) < 0)
        return -1;
    return json_object_set_new(doc, "nextLink", json_from(buf_view(&b))) < 0 ? err_memory(err) : 0;
}

static int
page_size(const struct exchange *x, size_t *out, struct err *err)
{
    struct text top = exchange_query(x, "$top");
    uint64_t n = PAGE_MAX;

    if (top.p != NULL && (!text_to_u64(top, PAGE_MAX, &n) || n == 0))
        return err_code(err, ERR_INVALID, "InvalidTopInQueryString",
                        "$top is a number from 1 to %d", PAGE_MAX);
    *out = (size_t)n;
    return 0;
}

static int
answer_page(struct page *p, struct row_filter *f, struct err *err)
{
    OWN_JSON doc = json_pack("{s:[]}", "value");

    if (doc == NULL)
        return err_memory(err);
    p->values = json_object_get(doc, "value");
    f->after = exchange_query(p->x, "$skiptoken");
    if (page_size(p->x, &p->max, err) < 0 ||
        row_each(database_reader(p->rs->database), f, add_to_page, p, err) < 0)
        return -1;
    if (p->more && next_link(p->x, p->last, doc, err) < 0)
        return -1;
    resource_answer(p->x, 200, doc);
    return 0;
}

/* Another subscription than ours has nothing in it, and nobody learns more than that. */
static bool
is_ours(const struct resources *rs, struct text subscription)
{
    return text_is_nocase(subscription, rs->world->subscription_id);
}

int
resource_list(void *room, struct exchange *x, struct err *err)
{
    struct page p = { .rs = room, .x = x };
    struct row_filter f = { .group = exchange_param(x, "group") };
    struct resource_id id;
    struct text printed;
    const char *type;

    if (path_id(x, &id, &printed, err) < 0)
        return -1;
    type = arena_printf(x->arena, "%.*s/%.*s", TEXT_ARG(id.providers[0].namespace),
                        TEXT_ARG(id.providers[0].levels[0].type));
    if (type == NULL)
        return err_memory(err);
    f.type = is_ours(p.rs, id.subscription) ? text_of(type) : TEXT("none");
    return answer_page(&p, &f, err);
}

static bool
names_one(const struct filter *filter, const char *field, struct text *out)
{
    for (size_t i = 0; i < filter->n; i++)
        if (text_is_nocase(filter->clauses[i].field, field) && filter->clauses[i].op == FILTER_EQ) {
            *out = filter->clauses[i].value;
            return true;
        }
    return false;
}

static int
list_filtered(struct page *p, struct row_filter *f, struct err *err)
{
    struct filter filter;

    if (filter_parse(exchange_query(p->x, "$filter"), &filter, err) < 0)
        return -1;
    p->filter = &filter;
    if (f->type.n == 0)
        (void)names_one(&filter, "resourceType", &f->type);
    if (f->group.n == 0)
        (void)names_one(&filter, "resourceGroup", &f->group);
    if (!is_ours(p->rs, exchange_param(p->x, "subscription")))
        f->type = TEXT("none");
    return answer_page(p, f, err);
}

int
resources_list_all(void *room, struct exchange *x, struct err *err)
{
    struct page p = { .rs = room, .x = x };
    struct row_filter f = { .group = exchange_param(x, "group") };

    return list_filtered(&p, &f, err);
}

int
group_list(void *room, struct exchange *x, struct err *err)
{
    struct page p = { .rs = room, .x = x, .groups_too = true };
    struct row_filter f = { .type = TEXT(TYPE_GROUP) };

    return list_filtered(&p, &f, err);
}
