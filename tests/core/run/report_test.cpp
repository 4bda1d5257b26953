// report.md: the whole text of a small page, and the question a file opens with.
#include "run/report.h"

#include <gtest/gtest.h>

using namespace facet;

namespace {

ReportPage small_page() {
  Table head({{"latent", "number of the latent, from 0"}, {"residues", "the letters it fires on"}});
  head.add({7, "L 93 %"});
  ReportPage page;
  page.title = "quickstart";
  page.question = "What does a small TopK SAE find in human proteins?";
  page.facts = {{"Host", "esm2"}, {"SAE", "topk, 512 latents"}};
  page.sections = {{"metrics",
                    "Sparsity and reconstruction.",
                    {{{"nmse", 0.25, "error by energy", {{"untrained", 1.02}}},
                      {"rows", 120, "rows measured", {}}},
                     {{"latents.tsv", "The most active latents.", head, 512}}}}};
  page.warnings = {"the run was resumed"};
  page.command = "facet run quickstart.toml";
  page.files = {{"events.jsonl", "what happened, step by step"}};
  return page;
}

constexpr const char* kSmallReport = R"(# quickstart

What does a small TopK SAE find in human proteins?

## Warnings

- the run was resumed

## What ran

- Host: esm2
- SAE: topk, 512 latents

## metrics

Sparsity and reconstruction.

| figure | value | untrained | what it is |
| --- | ---: | ---: | --- |
| nmse | 0.25 | 1.02 | error by energy |
| rows | 120 |  | rows measured |

**The most active latents.**

| latent | residues |
| ---: | --- |
| 7 | L 93 % |

1 of 512 rows; all are in `artefacts/latents.tsv`. Columns:

- `latent`: number of the latent, from 0
- `residues`: the letters it fires on

## Run it again

```
facet run quickstart.toml
```

## Files

- `events.jsonl`: what happened, step by step
)";

}  // namespace

TEST(Report, says_everything_of_a_small_page) {
  EXPECT_EQ(emit_report(small_page()), kSmallReport);
}

TEST(Report, leaves_out_what_there_is_nothing_to_say_of) {
  ReportPage page;
  page.title = "empty";
  EXPECT_EQ(emit_report(page), "# empty\n");
}

TEST(Report, takes_the_question_from_the_first_comment) {
  const struct {
    const char *text, *marker, *question;
  } cases[] = {
      {"# Does k matter?\n#   facet run x.toml\nfacet = 1\n", "#", "Does k matter?"},
      {"# Does k matter\n# for recovery?\n#\n# more\n", "#", "Does k matter for recovery?"},
      {"\n-- Which latents mark helices?\nlocal x\n", "--", "Which latents mark helices?"},
      {"#!/usr/bin/env facet\n-- One purpose.\n", "--", "One purpose."},
      {"local x = 1 -- no question\n", "--", ""},
      {"", "#", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(opening_comment(c.text, c.marker), c.question) << c.text;
}
