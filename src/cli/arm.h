/* arm.h - Azure Resource Manager calls of the one who is logged in. */
#ifndef CLI_ARM_H
#define CLI_ARM_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/cli.h"

#define ARM_GROUPS        "2022-09-01"
#define ARM_INSTANCES     "2023-05-01"
#define ARM_REGISTRIES    "2023-07-01"
#define ARM_AUTHORIZATION "2022-04-01"
#define ARM_SUBSCRIPTIONS "2022-12-01"
#define ARM_HOLDFAST      "2026-11-01"

/* arm_client(cli, err): the way to the server that is logged in to (or --server); borrowed. */
struct client *arm_client(struct cli *cli, struct err *err);

/* arm_token(cli, err): a valid access token, renewed when it must be; borrowed from the session. */
const char *arm_token(struct cli *cli, struct err *err);

/*
 * arm_ask(cli, method, path, version, body, out, err): ${path} begins with "/subscriptions" or
 * another root; query members may be in it ("?a=b").  Any status below 300 is 0 and the status is
 * in ${out}; all others are errors in the server's words.
 */
MUST_CHECK int arm_ask(struct cli *cli, const char *method, const char *path, const char *version,
                       const json_t *body, struct client_answer *out, struct err *err);

/* arm_list(cli, path, version, out, err): all pages of a list. */
MUST_CHECK int arm_list(struct cli *cli, const char *path, const char *version, json_t **out,
                        struct err *err);

/* arm_follow(link, path, err): the path and query of a nextLink, without its api-version. */
MUST_CHECK int arm_follow(struct text link, struct buf *path, struct err *err);

/* arm_subscription(cli, out): append "/subscriptions/ID". */
MUST_CHECK int arm_subscription(struct cli *cli, struct buf *out, struct err *err);

/* arm_path(cli, provider, name, out, err): append the path of a resource of the group --resource-
 * group (default "default"); ${name} NULL: of the list. */
MUST_CHECK int arm_path(struct cli *cli, const char *type, const char *name, struct buf *out,
                        struct err *err);

/* arm_wait(cli, path, version, answer, err): until its provisioningState is final. */
MUST_CHECK int arm_wait(struct cli *cli, const char *path, const char *version,
                        struct client_answer *answer, struct err *err);

/* arm_wait_gone(cli, path, version, err): until it is not there. */
MUST_CHECK int arm_wait_gone(struct cli *cli, const char *path, const char *version,
                             struct err *err);

/* arm_sign_in(cli, form, err): ask for tokens with a web form; they go into the session. */
MUST_CHECK int arm_sign_in(struct cli *cli, struct text form, struct err *err);

#endif /* CLI_ARM_H */
