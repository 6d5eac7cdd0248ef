/*
 * seccomp_table.h - the system calls a container may make.
 *
 * An allow list: what a program in a container has use for and what stays inside its namespaces.
 * Left out, among others: mount and its kin, module and kexec loading, bpf, perf, userfaultfd,
 * keyrings, ptrace's process_vm_writev over other users, clock setting, reboot, swap, io_uring (a
 * large surface that no seccomp filter sees into).  Unknown ones answer EPERM, clone3 ENOSYS so
 * that libcs fall back to clone(), whose flags can be judged.
 */
#ifndef RUNNER_SECCOMP_TABLE_H
#define RUNNER_SECCOMP_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct seccomp_condition {
    const char *name;
    const char *action;
    int error;      /* for SCMP_ACT_ERRNO */
    const char *op; /* NULL: always */
    unsigned argument;
    uint64_t value, value_two;
};

extern const char *const seccomp_allowed[];
extern const size_t seccomp_allowed_count;
extern const struct seccomp_condition seccomp_conditions[];
extern const size_t seccomp_condition_count;

#endif /* RUNNER_SECCOMP_TABLE_H */
