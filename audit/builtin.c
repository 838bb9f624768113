/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/builtin.h"

/* The assembler copies the file as it is into read-only data, between the two symbols; the data
 * is mapped with the program and read only if used. A section each lets the linker leave it out
 * where nothing refers to it. CMake names the files as dependencies. */
#define INCLUDE_FILE(id, path)                                               \
    __asm__(".pushsection .rodata." #id ",\"a\"\n.balign 64\n" #id           \
            "_begin:\n.incbin \"" ASSAY_SOURCE_DIR "/audit/" path "\"\n" #id \
            "_end:\n.byte 0\n.popsection\n");                                \
    extern const unsigned char id##_begin[] __asm__(#id "_begin");           \
    extern const unsigned char id##_end[] __asm__(#id "_end");

#define DEMO_FILES(X)                                  \
    X(assay_demo_config, "demo/", "config.json")       \
    X(assay_demo_model, "demo/", "model.safetensors")  \
    X(assay_demo_tokenizer, "demo/", "tokenizer.json") \
    X(assay_demo_heldout, "demo/", "heldout.txt")

#define RECIPE_FILES(X)                                                         \
    X(assay_recipe_binary64, "recipes/", "binary64.json")                       \
    X(assay_recipe_binary32, "recipes/", "binary32.json")                       \
    X(assay_recipe_bfloat16, "recipes/", "bfloat16.json")                       \
    X(assay_recipe_fp8, "recipes/", "fp8.json")                                 \
    X(assay_recipe_fp4, "recipes/", "fp4.json")                                 \
    X(assay_recipe_fp8_ada, "recipes/", "fp8_ada.json")                         \
    X(assay_recipe_fp8_hopper, "recipes/", "fp8_hopper.json")                   \
    X(assay_recipe_fp8_hopper_promoted, "recipes/", "fp8_hopper_promoted.json") \
    X(assay_recipe_fp8_deepseek, "recipes/", "fp8_deepseek.json")               \
    X(assay_recipe_fp8_blackwell, "recipes/", "fp8_blackwell.json")             \
    X(assay_recipe_mxfp4_blackwell, "recipes/", "mxfp4_blackwell.json")         \
    X(assay_recipe_nvfp4_blackwell, "recipes/", "nvfp4_blackwell.json")

#define PAGE_FILES(X)                           \
    X(assay_page_style, "", "report_style.css") \
    X(assay_page_sort, "", "report_sort.js")

#define INCLUDE(id, folder, name) INCLUDE_FILE(id, folder name)
#define ENTRY(id, folder, name)   { name, id##_begin, id##_end },

DEMO_FILES(INCLUDE)
RECIPE_FILES(INCLUDE)
PAGE_FILES(INCLUDE)

static const assay_embedded demo_files[] = { DEMO_FILES(ENTRY) };
static const assay_embedded recipe_files[] = { RECIPE_FILES(ENTRY) };
static const assay_embedded page_files[] = { PAGE_FILES(ENTRY) };

const assay_source assay_builtin_demo = { "demo", demo_files,
                                          sizeof demo_files / sizeof demo_files[0] };
const assay_source assay_builtin_recipes = { "recipes", recipe_files,
                                             sizeof recipe_files / sizeof recipe_files[0] };
const assay_source assay_builtin_page = { "page", page_files,
                                          sizeof page_files / sizeof page_files[0] };
