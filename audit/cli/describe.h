/* SPDX-License-Identifier: Apache-2.0 */
/* What `assay formats NAME` says about a format or a scheme. */
#ifndef ASSAY_CLI_DESCRIBE_H
#define ASSAY_CLI_DESCRIBE_H

#include <jansson.h>

#include "../../rounding/scheme.h"

/** A record for cli_print_record, NULL without memory. */
json_t *cli_describe_format(const assay_format *format);
json_t *cli_describe_scheme(const char *spec, const assay_scheme *scheme);

#endif
