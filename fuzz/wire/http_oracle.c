#include "http_oracle.h"

#include <http_parser.h>
#include <string.h>

static int
note_head(http_parser *parser)
{
    struct http_oracle *o = parser->data;

    o->complete = true;
    o->method = http_method_str((enum http_method)parser->method);
    o->minor = parser->http_minor;
    o->chunked = (parser->flags & F_CHUNKED) != 0;
    o->has_length = (parser->flags & F_CONTENTLENGTH) != 0;
    o->length = o->has_length ? parser->content_length : 0;
    return 0;
}

struct http_oracle
http_oracle_ask(const char *p, size_t n)
{
    struct http_oracle o = { 0 };
    http_parser_settings settings;
    http_parser parser;

    memset(&settings, 0, sizeof(settings));
    settings.on_headers_complete = note_head;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &o;
    (void)http_parser_execute(&parser, &settings, p, n);
    o.problem = http_errno_name((enum http_errno)parser.http_errno);
    if (parser.http_errno != HPE_OK)
        o.complete = false;
    return o;
}
