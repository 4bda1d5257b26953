// report.md: the whole text of a small page, and the question a file opens with.
#include "run/report.h"

#include <gtest/gtest.h>

#include <limits>

using namespace facet;

namespace {

Figure figure(const std::string& name, Value value, const std::string& definition) {
  Figure out;
  out.name = name;
  out.value = std::move(value);
  out.definition = definition;
  return out;
}

ReportPage small_page() {
  Table head({{"latent", "number of the latent, from 0"}, {"residues", "the letters it fires on"}});
  head.add({7, "L 93 %"});
  ReportPage page;
  page.title = "quickstart";
  page.question = "What does a small TopK SAE find in human proteins?";
  page.facts = {{"Host", "esm2"}, {"SAE", "topk, 512 latents"}};
  page.pictures = {{"loss.svg", "Loss."}};
  Figure nmse = figure("nmse", 0.25, "error by energy");
  nmse.baselines = {{"untrained", 1.02}};
  nmse.interval = Interval{0.241, 0.26, "95 %, bootstrap over sequences"};
  nmse.target = "below 0.3";
  Plot density;
  density.name = "density";
  density.title = "How often latents fire.";
  page.sections = {{"metrics",
                    "Sparsity and reconstruction.",
                    {{nmse, figure("rows", 120, "rows measured")},
                     {{"latents.tsv", "The most active latents.", head, 512}},
                     {density}}}};
  Figure worse = figure("nmse", 0.5, "error by energy");
  page.sections.push_back({"metrics",
                           "Sparsity and reconstruction.",
                           {{worse, figure("rows", 120, "rows measured")},
                            {{"pca/latents.tsv", "The most active latents.", head, 512}},
                            {density}},
                           "pca",
                           true,
                           "pca/"});
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

![Loss.](loss.svg)

## metrics

Sparsity and reconstruction.

| figure | value | pca | untrained | target | what it is |
| --- | --- | ---: | ---: | --- | --- |
| nmse | 0.250 [0.241, 0.260] | 0.5 | 1.02 | below 0.3 | error by energy |
| rows | 120 | 120 |  |  | rows measured |

In brackets: 95 %, bootstrap over sequences.

![How often latents fire.](artefacts/density.svg)

**The most active latents.**

| latent | residues |
| ---: | --- |
| 7 | L 93 % |

1 of 512 rows; all are in [artefacts/latents.tsv](artefacts/latents.tsv). Columns:

- `latent`: number of the latent, from 0
- `residues`: the letters it fires on

- The same of pca: [artefacts/pca/latents.tsv](artefacts/pca/latents.tsv), [artefacts/pca/density.svg](artefacts/pca/density.svg)

## Run it again

```
facet run quickstart.toml
```

## What the words mean

)";

constexpr const char* kFiles = R"(
## Files

- [events.jsonl](events.jsonl): what happened, step by step
)";

}  // namespace

TEST(Report, says_everything_of_a_small_page) {
  const std::string text = emit_report(small_page()), before = kSmallReport;
  ASSERT_GT(text.size(), before.size());
  EXPECT_EQ(text.substr(0, before.size()), before);
  EXPECT_TRUE(text.ends_with(kFiles)) << text;
  EXPECT_NE(text.find("- **latent**: "), std::string::npos);
}

TEST(Report, leaves_out_what_there_is_nothing_to_say_of) {
  ReportPage page;
  page.title = "empty";
  EXPECT_EQ(emit_report(page), "# empty\n");
}

TEST(Report, puts_the_first_sae_that_is_no_baseline_before_the_others) {
  const auto section = [](const std::string& sae, bool is_baseline, double value) {
    return ReportSection{"metrics", "", {{figure("nmse", value, "error")}, {}}, sae, is_baseline};
  };
  ReportPage page;
  page.title = "two";
  page.sections = {section("pca", true, 3), section("a", false, 1), section("b", false, 2)};
  EXPECT_NE(emit_report(page).find("| figure | a | pca | b | what it is |\n"
                                   "| --- | ---: | ---: | ---: | --- |\n"
                                   "| nmse | 1 | 3 | 2 | error |\n"),
            std::string::npos);
}

TEST(Report, shows_intervals_with_two_digits_of_their_width) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const struct {
    Value value;
    double low, high;
    const char* text;
  } cases[] = {{0.013, 0.0121, 0.014, "0.0130 [0.0121, 0.0140]"},
               {31.77, 30.2, 33.4, "31.8 [30.2, 33.4]"},
               {512.4, 480.0, 550.0, "512 [480, 550]"},
               {1.2e-8, 1e-8, 2e-8, "1.2e-08 [1e-08, 2e-08]"},
               {0.5, 0.5, 0.5, "0.5 [0.5, 0.5]"},
               {0.5, -infinity, 0.6, "0.5 [-inf, 0.6]"},
               {7, 6.5, 7.5, "7 [6.5, 7.5]"}};
  for (const auto& c : cases) EXPECT_EQ(figure_text(c.value, {c.low, c.high, ""}), c.text);
}

TEST(Report, draws_the_training_from_its_events) {
  const std::string events =
      "{\"event\":\"train.step\",\"level\":\"metric\",\"step\":1,\"loss\":2.5}\n"
      "{\"event\":\"train.step\",\"level\":\"metric\",\"step\":1,\"loss\":9.0,\"sae\":\"pca\"}\n"
      "{\"event\":\"note\",\"level\":\"info\",\"message\":\"train.step\"}\n"
      "{\"event\":\"train.step\",\"level\":\"metric\",\"step\":2,\"loss\":1.5}\n"
      "{\"event\":\"train.step\",\"level\":\"metric\",\"step\":2,\"loss\":3.5,\"sae\":\"b\"}\n";
  const Plot plot = training_curves(events, "loss", {"pca"});
  ASSERT_EQ(plot.series.size(), 2u);
  EXPECT_EQ(plot.series[0].name, "");
  EXPECT_EQ(plot.series[0].x, (std::vector<double>{1, 2}));
  EXPECT_EQ(plot.series[0].y, (std::vector<double>{2.5, 1.5}));
  EXPECT_EQ(plot.series[1].name, "b");
  EXPECT_TRUE(training_curves("", "loss", {}).series.empty());
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
