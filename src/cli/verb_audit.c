#include "cli/cli.h"
const struct verb verbs_audit[] = { { NULL, NULL, NULL, NULL, NULL } };
