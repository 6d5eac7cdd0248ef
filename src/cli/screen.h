/*
 * screen.h - what may reach a terminal.
 *
 * Invariants:
 *   S1  screen_clean() lets no control character through, of ASCII, of C1 or of Unicode's
 *       directions: names and messages come from a server, and a server may lie;
 *   S2  screen_text() does so only where a terminal reads: pipes get the bytes as they are.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"

/* screen_clean(out, t, newlines): append ${t}; what is not let through becomes "\xNN". */
void screen_clean(struct buf *out, struct text t, bool newlines);

/* screen_text(to, t): for logs: newlines and tabs stay. */
void screen_text(FILE *to, struct text t);

/* screen_width(t): columns it takes, about: characters, not bytes. */
size_t screen_width(struct text t);

#endif /* CLI_SCREEN_H */
