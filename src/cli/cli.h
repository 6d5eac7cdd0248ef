/*
 * cli.h - one call of the program: its words, who is logged in, and the way to the server.
 *
 * Exit status, as az: 0 done, 1 failed, 2 used wrongly, 3 not found.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>

#include "base/err.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/session.h"

struct cli {
    struct arguments arguments;
    enum output_format format;
    struct session session;
    struct client *client; /* made when first needed */
};

/* One thing that can be asked for. */
struct verb {
    const char *words; /* "container create" */
    const char *summary;
    const char *example; /* whole lines for --help */
    const struct argument *arguments;
    int (*run)(struct cli *cli, struct err *err);
};

/* One table per group, each ends with words NULL. */
extern const struct verb verbs_account[];
extern const struct verb verbs_acr[];
extern const struct verb verbs_group[];
extern const struct verb verbs_container[];
extern const struct verb verbs_role[];
extern const struct verb verbs_audit[];
extern const struct verb verbs_why[];

#define CLI_USAGE "Usage" /* err.code of a wrong call: exit status 2 */

/* cli_print(cli, document, columns, err) */
MUST_CHECK int cli_print(struct cli *cli, const json_t *document, const struct column *columns,
                         struct err *err);

/* cli_say(fmt...): a line for people on stderr. */
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* CLI_CLI_H */
