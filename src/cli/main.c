/* holdfast - the command line of Holdfast: it finds the verb, and turns failures into words. */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "wire/json.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
};

static const struct verb *const groups[] = {
    verbs_account, verbs_acr, verbs_group, verbs_container, verbs_role, verbs_audit, verbs_why,
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

void
cli_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

int
cli_print(struct cli *cli, const json_t *document, const struct column *columns, struct err *err)
{
    return output_print(cli->format, document, columns, err);
}

/* How many of argv's words are those of ${verb}; 0 when they are not. */
static int
words_matched(const struct verb *verb, int argc, char **argv)
{
    struct text rest = text_of(verb->words), word;
    int n = 0;

    while (text_cut(&rest, ' ', &word)) {
        if (n >= argc || !text_is(word, argv[n]))
            return 0;
        n++;
    }
    return n;
}

static const struct verb *
find(int argc, char **argv, int *words)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct verb *v = groups[g]; v->words != NULL; v++)
            if ((*words = words_matched(v, argc, argv)) > 0)
                return v;
    return NULL;
}

static void
print_overview(FILE *to, const char *begin)
{
    size_t n = begin != NULL ? strlen(begin) : 0;

    (void)fputs("usage: holdfast VERB [OPTIONS]\n\n", to);
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct verb *v = groups[g]; v->words != NULL; v++)
            if (n == 0 ||
                (strncmp(v->words, begin, n) == 0 && (v->words[n] == ' ' || v->words[n] == '\0')))
                (void)fprintf(to, "  %-26s %s\n", v->words, v->summary);
    if (n == 0)
        (void)fputs("  help                       this list\n"
                    "  version                    which version this is\n",
                    to);
    (void)fputs("\nholdfast VERB --help tells more and gives an example.\n", to);
}

static void
print_rows(const struct argument *table)
{
    for (; table != NULL && table->name != NULL; table++) {
        char left[64];

        if (table->name[0] == '\0')
            (void)snprintf(left, sizeof(left), "%s", table->value);
        else
            (void)snprintf(left, sizeof(left), "%s%c%s--%s%s%s%s", table->letter ? "-" : "",
                           table->letter ? table->letter : ' ', table->letter ? ", " : "   ",
                           table->name, table->value ? " " : "", table->value ? table->value : "",
                           table->kind == ARGUMENT_LIST ? " ..." : "");
        (void)printf("  %-38s %s\n", left, table->help);
    }
}

static void
print_help(const struct verb *verb)
{
    (void)printf("holdfast %s - %s\n\n", verb->words, verb->summary);
    print_rows(verb->arguments);
    print_rows(arguments_common);
    (void)printf("\nExample:\n%s", verb->example);
}

static int
complain(const struct err *err)
{
    bool usage = err->code != NULL && strcmp(err->code, CLI_USAGE) == 0;

    cli_say("holdfast: %s", err->msg);
    if (err->detail[0] != '\0')
        cli_say("  (%s)", err->detail);
    if (err->sys != 0 && err->kind != ERR_OK)
        cli_say("  (errno %d)", err->sys);
    if (usage)
        return EXIT_USAGE;
    return err->kind == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED;
}

static int
run(const struct verb *verb, struct cli *cli, int argc, char **argv)
{
    struct err err = { 0 };
    const char *format;

    if (arguments_read(&cli->arguments, verb->arguments, argc, argv, &err) != 0) {
        cli_say("holdfast %s: %s", verb->words, err.msg);
        cli_say("Try: holdfast %s --help", verb->words);
        return EXIT_USAGE;
    }
    if (arguments_has(&cli->arguments, "help")) {
        print_help(verb);
        return EXIT_DONE;
    }
    format = arguments_get(&cli->arguments, "output");
    if (format != NULL && !output_format(format, &cli->format)) {
        cli_say("holdfast: --output is table, json, yaml or tsv");
        return EXIT_USAGE;
    }
    if (session_load(&cli->session, &err) != 0 || verb->run(cli, &err) != 0)
        return complain(&err);
    return EXIT_DONE;
}

static int
without_verb(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)) {
        (void)puts("holdfast " HOLDFAST_VERSION);
        return EXIT_DONE;
    }
    if (argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
                     strcmp(argv[1], "-h") == 0)) {
        print_overview(stdout, argc > 2 ? argv[2] : NULL);
        return EXIT_DONE;
    }
    if (argc > 2 && strcmp(argv[argc - 1], "--help") == 0) {
        print_overview(stdout, argv[1]);
        return EXIT_DONE;
    }
    if (argc > 1)
        cli_say("holdfast: there is no verb \"%s%s%s\"", argv[1], argc > 2 ? " " : "",
                argc > 2 ? argv[2] : "");
    print_overview(stderr, argc > 1 ? argv[1] : NULL);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    static struct cli cli; /* large, and there is one */
    const struct verb *verb;
    int words = 0, status;

    (void)setlocale(LC_ALL, "C.UTF-8");
    json_start();
    verb = find(argc - 1, argv + 1, &words);
    if (verb == NULL)
        return without_verb(argc, argv);
    status = run(verb, &cli, argc - words, argv + words);
    client_free(cli.client);
    session_done(&cli.session);
    return status;
}
