/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures mean, and what was not checked. */
#include <string.h>

#include "audit/report_parts.h"

static const char definitions[] =
    "<dl class=\"method\">"
    "<div><dt>reference</dt><dd>The model evaluated in binary64, every sum in a fixed order that "
    "does not depend on threads, batches or instruction sets.</dd></div>"
    "<div><dt>floor</dt><dd>The reference&#39;s own error, measured against a second evaluation in "
    "double-double arithmetic (about 106 bits). A figure that does not stand well above its floor "
    "says nothing.</dd></div>"
    "<div><dt>local</dt><dd>One operation under the recipe, on the reference&#39;s inputs: what it "
    "loses by itself.</dd></div>"
    "<div><dt>propagated</dt><dd>The candidate running free: all that has been lost up to here."
    "</dd></div>"
    "<div><dt>rel L2</dt><dd>|candidate \u2212 reference| / |reference|, Euclidean norms over all "
    "elements of the tap; not finite where a value of the candidate is not.</dd></div>"
    "<div><dt>quantization, arithmetic</dt><dd>The local error E is E_quant + E_arith: the "
    "operation on quantized operands with exact arithmetic, less the reference; and what the "
    "declared accumulator and output format add. A share is \u27e8E_i, E\u27e9 / \u27e8E, E\u27e9."
    "</dd></div>"
    "<div><dt>KL</dt><dd>KL(reference \u2016 candidate) of the next token over the whole "
    "vocabulary, no tail cut off and nothing clipped, in nat (natural logarithm).</dd></div>"
    "<div><dt>perplexity</dt><dd>exp of the mean negative log-likelihood of the tokens that "
    "follow another in their document.</dd></div>";

static void print_definitions(FILE *f, const json_t *report)
{
    fputs(definitions, f);
    assay_page_put(f,
                   "<div><dt>flip</dt><dd>The most likely next token differs. Near-tie: the "
                   "reference&#39;s log-probability of its first choice exceeds that of its second "
                   "by less than %r nat; material: by more.</dd></div>",
                   assay_page_real(report, "logits.top1_flips.tie"));
    assay_page_put(f,
                   "<div><dt>precision</dt><dd>All figures are exact for this corpus of %n tokens: "
                   "the same inputs give the same report, byte for byte. The standard error of the "
                   "mean KL is over documents, since the tokens of one document are correlated; it "
                   "tells how another corpus like this one might come out.</dd></div></dl>\n",
                   assay_page_count(report, "corpus.tokens"));
}

static void print_limits(FILE *f, const json_t *report)
{
    const char *backend = assay_page_string(report, "candidate.backend");
    fputs("<h3>What was not checked</h3><ul>", f);
    if (strcmp(backend, "emulated") == 0)
        fputs("<li>No hardware kernel was run. The emulated backend is its own implementation of "
              "the declared arithmetic, so that the unexplained part of the error is 0 by "
              "construction; a kernel may differ within what its vendor allows.</li>",
              f);
    else
        assay_page_put(f,
                       "<li>The operations ran in the backend <b>%t</b>. How far it keeps to the "
                       "declared arithmetic is not measured apart: it counts as arithmetic.</li>",
                       backend);
    if (json_is_null(assay_page_at(report, "taps")) ||
        json_is_null(assay_page_at(json_array_get(json_object_get(report, "taps"), 0), "bound")))
        fputs("<li>A-priori bounds: the candidate has parameters of its own, for which the "
              "reference&#39;s bounds do not hold.</li>",
              f);
    assay_page_put(
        f,
        "<li>Other text. The corpus is %t: %n documents, %n tokens, %n of them scored. "
        "Activations that it does not provoke were not seen.</li>",
        assay_page_string(report, "corpus.source"), assay_page_count(report, "corpus.documents"),
        assay_page_count(report, "corpus.tokens"), assay_page_count(report, "corpus.scored"));
    fputs("<li>Quality. A changed distribution is measured here, not whether a task is still "
          "solved.</li><li>Speed and memory. Time, memory and host stand in run.json.</li></ul>\n",
          f);
}

static void print_rule(FILE *f, const json_t *rule)
{
    static const char *const keys[] = { "in", "weight", "acc", "out", "round", "overflow" };
    assay_page_put(f, "<tr><th scope=\"row\">%t</th>", assay_page_string(rule, "tap"));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assay_page_put(f, "<td>%t</td>", assay_page_string(rule, keys[i]));
    fputs("</tr>\n", f);
}

void assay_html_method(FILE *f, const json_t *report)
{
    const json_t *rules = assay_page_at(report, "candidate.rules");
    size_t i;
    json_t *rule;
    fputs("<section id=\"method\"><h2>Method and limits</h2>\n", f);
    print_definitions(f, report);
    print_limits(f, report);
    assay_page_put(f,
                   "<h3>Recipe %t</h3><p>The first rule that matches a tap holds.</p>\n"
                   "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"recipe\">"
                   "<table>",
                   assay_page_string(report, "candidate.recipe"));
    assay_page_columns(f, "tap|in|weight|accumulator|out|rounding|overflow");
    json_array_foreach(rules, i, rule) print_rule(f, rule);
    fputs("</tbody></table></div></section>\n", f);
}
