/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/file.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/shared.h"

TestSuite(file, .fini = assay_temp_remove);

#define EXPECT_ERROR(call, status, text)                                                  \
    do {                                                                                  \
        cr_expect_eq((call), (status));                                                   \
        cr_expect_not_null(strstr(assay_last_error(), (text)), "%s", assay_last_error()); \
    } while (0)

static bool same(const char *path, const char *text)
{
    assay_file file;
    if (assay_file_open(path, &file) != ASSAY_OK)
        return false;
    bool equal = file.size == strlen(text) && (!file.size || !memcmp(file.data, text, file.size));
    assay_file_close(&file);
    return equal;
}

Test(file, maps_whole_files)
{
    const char *path = assay_temp("a");
    assay_temp_write(path, "hello", 5);
    cr_expect(same(path, "hello"));
    assay_temp_write(path, NULL, 0);
    cr_expect(same(path, ""));
}

Test(file, refuses_what_is_no_file)
{
    assay_file file = { .size = 77 };
    EXPECT_ERROR(assay_file_open(assay_temp("none"), &file), ASSAY_ERR_IO, "none: No such file");
    EXPECT_ERROR(assay_file_open(assay_temp("."), &file), ASSAY_ERR_IO, ".: is a directory");
    cr_assert_eq(mkfifo(assay_temp("pipe"), 0600), 0);
    EXPECT_ERROR(assay_file_open(assay_temp("pipe"), &file), ASSAY_ERR_IO, "not a regular file");
    cr_expect_eq(file.size, 77, "untouched on failure");
}

Test(file, sources_are_directories_or_lists)
{
    static const unsigned char bytes[] = "embedded";
    const assay_embedded files[] = { { "a.json", bytes, bytes + 8 } };
    const assay_source list = { "demo", files, 1 };
    char path[ASSAY_PATH_BYTES];
    assay_file file;
    cr_expect(assay_source_has(&list, "a.json"));
    cr_expect_not(assay_source_has(&list, "b.json"));
    cr_assert_eq(assay_source_open(&list, "a.json", path, &file), ASSAY_OK);
    cr_expect_str_eq(path, "demo/a.json");
    cr_expect_eq(file.data, bytes);
    cr_expect_eq(file.size, 8);
    assay_file_close(&file);
    EXPECT_ERROR(assay_source_open(&list, "b.json", path, &file), ASSAY_ERR_IO, "demo/b.json: ");

    assay_temp_write(assay_temp("c.json"), "{}", 2);
    char directory[ASSAY_PATH_BYTES];
    snprintf(directory, sizeof directory, "%s", assay_temp("."));
    const assay_source dir = { .name = directory };
    cr_expect(assay_source_has(&dir, "c.json"));
    cr_expect_not(assay_source_has(&dir, "a.json"));
    cr_assert_eq(assay_source_open(&dir, "c.json", path, &file), ASSAY_OK);
    cr_expect_eq(file.size, 2);
    assay_file_close(&file);
}

Test(file, overlong_paths_are_refused)
{
    static char name[2 * ASSAY_PATH_BYTES];
    char path[ASSAY_PATH_BYTES];
    assay_file file;
    assay_output out;
    memset(name, 'x', sizeof name - 1);
    const assay_source dir = { .name = name };
    cr_expect_eq(assay_source_open(&dir, "a", path, &file), ASSAY_ERR_IO);
    cr_expect_not(assay_source_has(&dir, "a"));
    cr_expect_eq(assay_output_begin(name, &out), ASSAY_ERR_IO);
    assay_output_abort(&out);
}

Test(file, commit_shows_the_whole_file)
{
    assay_output out;
    const char *path = assay_temp("out");
    assay_temp_write(path, "old", 3);
    cr_assert_eq(assay_output_begin(path, &out), ASSAY_OK);
    fputs("new text", out.stream);
    cr_expect(same(path, "old"), "nothing is seen before commit");
    cr_assert_eq(assay_output_commit(&out), ASSAY_OK);
    cr_expect(same(path, "new text"));
    cr_expect_eq(assay_temp_count("partial"), 0);
    assay_output_abort(&out);
    cr_expect(same(path, "new text"), "abort after commit does nothing");
}

Test(file, links_stay_and_what_they_lead_to_is_replaced)
{
    assay_output out;
    struct stat st;
    const char *link = assay_temp("link"), *path = assay_temp("led_to");
    assay_temp_write(path, "old", 3);
    cr_assert_eq(symlink(path, link), 0);
    cr_assert_eq(assay_output_begin(link, &out), ASSAY_OK);
    fputs("new text", out.stream);
    cr_expect(same(path, "old"));
    cr_assert_eq(assay_output_commit(&out), ASSAY_OK);
    cr_expect(same(path, "new text"));
    cr_assert_eq(lstat(link, &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    cr_expect_eq(assay_temp_count("partial"), 0);
}

/* Of a temporary link: this very thing has taken /dev/stdout away from a machine. */
Test(file, standard_output_is_written_to)
{
    assay_output out;
    struct stat st;
    const char *link = assay_temp("stdout"), *path = assay_temp("captured");
    cr_assert_eq(symlink("/proc/self/fd/1", link), 0);
    assay_temp_write(path, "before ", 7);
    cr_assert_not_null(freopen(path, "a", stdout));
    cr_assert_eq(assay_output_begin(link, &out), ASSAY_OK);
    fputs("after", out.stream);
    cr_assert_eq(assay_output_commit(&out), ASSAY_OK);
    cr_expect(same(path, "before after"));
    cr_assert_eq(lstat(link, &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
}

Test(file, abort_leaves_nothing)
{
    assay_output out, zeroed = { 0 };
    const char *path = assay_temp("out");
    assay_temp_write(path, "old", 3);
    cr_assert_eq(assay_output_begin(path, &out), ASSAY_OK);
    fputs("new text", out.stream);
    assay_output_abort(&out);
    assay_output_abort(&out);
    assay_output_abort(&zeroed);
    cr_expect(same(path, "old"));
    cr_expect_eq(assay_temp_count("partial"), 0);
}

Test(file, unwritable_places_are_refused)
{
    assay_output out;
    EXPECT_ERROR(assay_output_begin(assay_temp("no/such/dir"), &out), ASSAY_ERR_IO, "cannot write");
    assay_output_abort(&out);
    EXPECT_ERROR(assay_output_begin(assay_temp("."), &out), ASSAY_ERR_IO, "is a directory");
    assay_output_abort(&out);
    cr_assert_eq(mkdir(assay_temp("locked"), 0500), 0);
    if (geteuid() == 0)
        return; /* the superuser may write everywhere */
    EXPECT_ERROR(assay_output_begin(assay_temp("locked/a"), &out), ASSAY_ERR_IO, "cannot write");
}

Test(file, a_full_disk_leaves_none_of_several)
{
    assay_output outs[2];
    const char *first = assay_temp("first"), *second = assay_temp("second");
    cr_assert_eq(assay_output_begin(first, &outs[0]), ASSAY_OK);
    cr_assert_eq(assay_output_begin(second, &outs[1]), ASSAY_OK);
    fputs("a", outs[0].stream);
    cr_assert_not_null(freopen("/dev/full", "w", outs[1].stream));
    fputs("b", outs[1].stream);
    EXPECT_ERROR(assay_output_commit_all(outs, 2), ASSAY_ERR_IO, "second: cannot write");
    cr_expect_neq(access(first, F_OK), 0);
    cr_expect_neq(access(second, F_OK), 0);
    cr_expect_eq(assay_temp_count("partial"), 0);
}

Test(file, makes_directories)
{
    const char *path = assay_temp("made");
    cr_expect_eq(assay_make_directory(path), ASSAY_OK);
    cr_expect_eq(assay_make_directory(path), ASSAY_OK);
    EXPECT_ERROR(assay_make_directory(assay_temp("no/parent")), ASSAY_ERR_IO, "cannot make");
    assay_temp_write(assay_temp("plain"), "x", 1);
    EXPECT_ERROR(assay_make_directory(assay_temp("plain")), ASSAY_ERR_IO, "plain: cannot make");
}

Test(file, the_text_of_an_error_stays_one_line)
{
    cr_expect_eq(assay_fail(ASSAY_ERR_INPUT, "a\nb\x7f%s", "\t"), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "a?b??");
    cr_expect_eq(assay_fail_in(ASSAY_ERR_INPUT, "file"), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "file: a?b??");
    cr_expect_eq(assay_fail_in(ASSAY_ERR_INPUT, "file"), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "file: a?b??", "names it once");
    cr_expect_eq(assay_fail_in(ASSAY_ERR_INPUT, "fil"), ASSAY_ERR_INPUT);
    cr_expect_str_eq(assay_last_error(), "fil: file: a?b??");
}
