// Reports that replay: all of them comes back from a run's record, as JSON.
#include "run/report_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_refusal.h"

using namespace facet;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Report through_json(const Report& report) {
  return report_of(parse_json(emit_json(report_value(report)), "verbs.jsonl"));
}

Report whole_report() {
  Table head({{"latent", "its number"}, {"share", "of rows"}});
  head.add({7, 0.25});
  Report report;
  report.values = {{"nmse", 0.1, "error by energy", {{"untrained", 1.02}, {"mean", 1}}},
                   {"rows", 120, "rows", {}},
                   {"which", "a", "text", {}}};
  report.values[0].interval = Interval{0.09, 0.11, "95 %"};
  report.values[0].target = "below 0.3";
  report.tables = {{"latents.tsv", "Latents.", head, 512}};
  report.plots = {{"density",
                   "How often.",
                   "share",
                   "latents",
                   Mark::bars,
                   true,
                   false,
                   {{"trained", {0, 1}, {2, 3}}, {"untrained", {0}, {1}}}}};
  return report;
}

}  // namespace

TEST(ReportValue, gives_the_report_back_through_json) {
  const Report back = through_json(whole_report());
  EXPECT_EQ(report_value(back), report_value(whole_report()));
  ASSERT_EQ(back.values.size(), 3u);
  EXPECT_EQ(back.values[0].baselines[0].first, "untrained");
  EXPECT_EQ(back.values[0].interval->high, 0.11);
  EXPECT_EQ(back.values[0].interval->definition, "95 %");
  EXPECT_EQ(back.values[0].target, "below 0.3");
  EXPECT_FALSE(back.values[1].interval);
  ASSERT_EQ(back.tables.size(), 1u);
  EXPECT_EQ(back.tables[0].rows, 512);
  EXPECT_EQ(back.tables[0].head.columns()[1].definition, "of rows");
  EXPECT_EQ(back.tables[0].head.rows()[0][0], Value(7));
  ASSERT_EQ(back.plots.size(), 1u);
  EXPECT_EQ(back.plots[0].mark, Mark::bars);
  EXPECT_TRUE(back.plots[0].log_y);
  EXPECT_EQ(back.plots[0].series[0].y, (std::vector<double>{2, 3}));
  EXPECT_EQ(back.plots[0].series[1].name, "untrained");
}

TEST(ReportValue, keeps_numbers_that_are_not_finite) {
  Report report = whole_report();
  report.values[0].value = std::nan("");
  report.values[0].baselines[0].second = -kInfinity;
  report.values[0].interval->high = kInfinity;
  report.values[2].value = "nan";
  report.plots[0].series[0].y[1] = std::nan("");
  const Report back = through_json(report);
  EXPECT_TRUE(std::isnan(*back.values[0].value.as<double>()));
  EXPECT_EQ(back.values[0].baselines[0].second, Value(-kInfinity));
  EXPECT_EQ(back.values[0].interval->high, kInfinity);
  EXPECT_EQ(back.values[2].value, Value("nan"));
  EXPECT_TRUE(std::isnan(back.plots[0].series[0].y[1]));
}

TEST(ReportValue, keeps_every_mark_and_the_margins) {
  for (const Mark mark : {Mark::line, Mark::bars, Mark::points, Mark::boxes})
    for (const bool margins : {false, true}) {
      Report report = whole_report();
      report.plots[0].mark = mark;
      report.plots[0].margins = margins;
      const Report back = through_json(report);
      EXPECT_EQ(back.plots[0].mark, mark);
      EXPECT_EQ(back.plots[0].margins, margins);
    }
}

TEST(ReportValue, reads_plots_from_before_there_were_margins_and_refuses_unknown_marks) {
  const std::string before =
      R"({"figures": [], "tables": [], "plots": [{"name": "a", "title": "", "x_label": "",
          "y_label": "", "mark": "line", "log_y": false, "series": []}]})";
  const Report old = report_of(parse_json(before, "old"));
  EXPECT_EQ(old.plots.at(0).mark, Mark::line);
  EXPECT_FALSE(old.plots.at(0).margins);
  std::string unknown = before;
  unknown.replace(unknown.find("\"line\""), 6, "\"pie\"");
  EXPECT_EQ(refusal_of([&] { report_of(parse_json(unknown, "new")); }),
            "a record's plot: mark: is \"pie\", should be line, bars, points or boxes");
}
