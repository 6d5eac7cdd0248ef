/* verb_container.h - what the files of the container verbs share. */
#ifndef CLI_VERB_CONTAINER_H
#define CLI_VERB_CONTAINER_H

#include "base/buf.h"
#include "cli/cli.h"

#define CONTAINER_TYPE       "Microsoft.ContainerInstance/containerGroups"
#define CONTAINER_PATH_BYTES ((size_t)4096)

extern const struct column container_columns[];
extern const struct argument container_create_arguments[];

#define CONTAINER_CREATE_EXAMPLE                                                                   \
    "  holdfast container create --file app.yaml\n"                                                \
    "  holdfast container create -n web --image localhost:8443/app/web:1 --ports 8080 \\\n"        \
    "      --cpu 1 --memory 0.5 -e MODE=fast --secure-environment-variables TOKEN=...\n"

/* container_path(cli, below, out, err): of the group that -n or the first word names. */
MUST_CHECK int container_path(struct cli *cli, const char *below, struct buf *out, struct err *err);

int container_create(struct cli *cli, struct err *err);

/* container_tell_events(document): warnings of the group and its containers, on stderr. */
void container_tell_events(const json_t *document);

#endif /* CLI_VERB_CONTAINER_H */
