// Emits each row as it comes.
#include "text_table.h"

using namespace facet;

namespace {

constexpr size_t kRowsShown = 10;

}  // namespace

TextTable::TextTable(std::vector<Column> columns)
    : head_(std::move(columns)), text_(emit_tsv(head_)) {}

void TextTable::add(std::vector<Value> row, Shown shown) {
  Table line(head_.columns());
  line.add(row);
  const std::string text = emit_tsv(line);
  text_.append(text, text.find('\n') + 1, std::string::npos);
  if (shown == Shown::yes && head_.rows().size() < kRowsShown) head_.add(std::move(row));
  ++rows_;
}

TableRef TextTable::write(Context& context, const std::string& name,
                          const std::string& title) const {
  TableRef ref = context.write(name, title, head_, kRowsShown);
  context.write_file(name, text_);  // all rows, in the place of those of the report
  ref.rows = rows_;
  return ref;
}
