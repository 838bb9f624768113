/* SPDX-License-Identifier: Apache-2.0 */
/* The harness without a GPU: its list, and each kernel with the instruction replaced by the table's
 * definition, which takes its operands from the lanes' registers as the PTX ISA lays them out. */
#ifndef ASSAY_TESTS_GPU_MMA_REFERENCE_H
#define ASSAY_TESTS_GPU_MMA_REFERENCE_H

#include "kernels/mma.h"
#include "tests/gpu/mma_gpu.h"

/** D of one tile. */
void gpu_reference(const gpu_instruction *row, const assay_mma_unit *unit, const uint32_t *a,
                   const uint32_t *b, const uint32_t *c, uint32_t *d);
/** D of one tile by the table alone, row by row. */
void gpu_expected(const gpu_instruction *row, const assay_mma_unit *unit, const uint32_t *a,
                  const uint32_t *b, const uint32_t *c, uint32_t *d);

/** The codes of a row of A or B, one per container; FP4 lies there in pairs. */
void gpu_codes(const gpu_instruction *row, const assay_mma_unit *unit, assay_mma_format format,
               const uint32_t *words, unsigned char *codes);
/** Bytes of scales of a row, which follow its matrix's words. */
size_t gpu_scale_bytes(const assay_mma_unit *unit);

/** The architecture in the table's names, NULL if it has none. */
const char *gpu_architecture(int capability);
/** Whether a device runs the row; its unit, or false if the table has none. */
bool gpu_runs(const gpu_instruction *row, int capability);
bool gpu_unit(const gpu_instruction *row, const char *architecture, assay_mma_unit *out);

/** Operands of one tile: ordinary ones and any bits, with zeros, subnormals and specials. */
void gpu_draw_tile(const gpu_instruction *row, const assay_mma_unit *unit, uint64_t *state,
                   uint32_t *a, uint32_t *b, uint32_t *c);

#endif
