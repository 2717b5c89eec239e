# Parts as Ruby's mail decodes them: IN OUT (see python_decoders.py).
require 'mail'
require 'fileutils'
source, target = ARGV
def leaves(part)
  return part.parts.flat_map { |inner| leaves(inner) } if part.multipart? && part.parts.any?

  [part.body.decoded]
end
Dir.glob("#{source}/*.eml").sort.each do |file|
  directory = File.join(target, File.basename(file, '.eml'))
  FileUtils.mkdir_p(directory)
  begin
    leaves(Mail.new(File.binread(file))).each_with_index do |content, at|
      File.binwrite(File.join(directory, (at + 1).to_s), content)
    end
  rescue StandardError
    next # Too odd for it: no witness.
  end
end
