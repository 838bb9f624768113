/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernels/op.h"

#define ASSAY_OP(id) extern const assay_op assay_op_##id;
ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP

static const assay_op *const ops[ASSAY_OP_COUNT] = {
#define ASSAY_OP(id) [ASSAY_OP_##id] = &assay_op_##id,
    ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP
};

size_t assay_op_count(void)
{
    return ASSAY_OP_COUNT;
}

const assay_op *assay_op_row(size_t i)
{
    return ops[i];
}

static bool always(void)
{
    return true;
}

/* reference and emulated are the same text: the reference's policy rounds nowhere. */
#define ASSAY_OP(id)                                    \
    static void run_##id(const assay_call *call)        \
    {                                                   \
        assay_op_##id.run(call);                        \
    }                                                   \
    static void reference_##id(const assay_call *call)  \
    {                                                   \
        assay_policy policy = assay_policy_reference(); \
        assay_call exact = *call;                       \
        exact.policy = &policy;                         \
        assay_op_##id.run(&exact);                      \
    }                                                   \
    static void wide_##id(const assay_call *call)       \
    {                                                   \
        assay_op_##id.wide(call);                       \
    }
ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP

static const assay_backend backends[] = {
    { "reference",
      "binary64 in a fixed order, the yardstick",
      1,
      always,
      {
#define ASSAY_OP(id) [ASSAY_OP_##id] = reference_##id,
          ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP
      } },
    { "emulated",
      "every operand, step and result as the recipe says",
      1,
      always,
      {
#define ASSAY_OP(id) [ASSAY_OP_##id] = run_##id,
          ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP
      } },
    { "wide",
      "double-double, to measure the reference's own error",
      2,
      always,
      {
#define ASSAY_OP(id) [ASSAY_OP_##id] = wide_##id,
          ASSAY_OPS(ASSAY_OP)
#undef ASSAY_OP
      } },
};

enum { BACKENDS = sizeof backends / sizeof backends[0] };

size_t assay_backend_count(void)
{
    return BACKENDS;
}

const assay_backend *assay_backend_row(size_t i)
{
    return &backends[i];
}

assay_status assay_backend_find(const char *name, const assay_backend **out)
{
    char list[256] = "";
    for (size_t i = 0; i < BACKENDS; i++) {
        if (strcmp(name, backends[i].name) == 0) {
            if (!backends[i].usable())
                return assay_fail(ASSAY_ERR_UNAVAILABLE, "backend %s cannot run here", name);
            *out = &backends[i];
            return ASSAY_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", backends[i].name);
    }
    return assay_fail(ASSAY_ERR_USAGE, "backend '%s' is unknown; there are %s", name, list);
}
