// TensorBoard's event files: the metrics of a run as scalars over steps.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/files.h"
#include "facet/event.h"

namespace facet {

/// CRC-32C (Castagnoli), as RFC 3720, appendix B.4 has it.
uint32_t crc32c(const std::string& bytes);

/// One record of a TFRecord file: length, masked CRC of the length, data, masked CRC of the data,
/// little-endian.
///
/// source  tensorflow/core/lib/io/record_writer.cc and hash/crc32c.h (Mask)
std::string tf_record(const std::string& data);

/// An Event of TensorFlow's event.proto with one Summary: tag and simple_value of each scalar.
/// Values beyond a float's range become infinite.
std::string scalar_event(double wall_time, int64_t step,
                         const std::map<std::string, double>& scalars);

/// A sink that writes every metric of a step as scalars: train.step's loss is train/loss,
/// train.eval's nmse is eval/nmse. Events of an SAE with a name go to folder/<name>/, which
/// TensorBoard shows as a run of its own, the others to folder/.
class TensorBoardSink : public EventSink {
 public:
  /// `earlier` is the text of events.jsonl so far. Files of earlier processes are taken away and
  /// written anew from it, so that a run that was cut has each step once.
  TensorBoardSink(std::filesystem::path folder, const std::string& earlier);
  ~TensorBoardSink() override;

  void emit(const Event& event) override;

 private:
  void write(const std::string& event, const Value& fields, int64_t step, double wall_time);
  Appender& file_of(const std::string& sae, double wall_time);

  std::filesystem::path folder_;
  std::string file_name_;
  std::map<std::string, std::unique_ptr<Appender>> files_;
};

}  // namespace facet
