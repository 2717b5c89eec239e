"""Parts as Python's email, GMime and Camel (Evolution) decode them: DECODER IN OUT.

IN holds N.eml; what is decoded of each goes to OUT/N/1, OUT/N/2 and so on. Run with the system's
Python, which has the bindings (python3-gi, gir1.2-gmime-3.0, gir1.2-camel-1.2)."""
import email
import email.policy
import pathlib
import sys


def compat(data):
    for part in email.message_from_bytes(data).walk():
        if not part.is_multipart():
            yield part.get_payload(decode=True)


def modern(data):
    for part in email.message_from_bytes(data, policy=email.policy.default).walk():
        if part.is_multipart():
            continue
        content = part.get_content()
        # A text is saved as it reads.
        yield content.encode("utf-8", "replace") if isinstance(content, str) else content


def gmime(data):
    import gi
    gi.require_version("GMime", "3.0")
    from gi.repository import GMime

    GMime.init()
    stream = GMime.StreamMem.new_with_buffer(data)

    def leaves(part):
        if isinstance(part, GMime.Multipart):
            for at in range(part.get_count()):
                yield from leaves(part.get_part(at))
        elif isinstance(part, GMime.MessagePart):
            if part.get_message() is not None:
                yield from leaves(part.get_message().get_mime_part())
        elif isinstance(part, GMime.Part) and part.get_content() is not None:
            memory = GMime.StreamMem.new()
            part.get_content().write_to_stream(memory)
            yield bytes(memory.get_byte_array())

    yield from leaves(GMime.Parser.new_with_stream(stream).construct_message(None).get_mime_part())


def camel(data):
    import gi
    gi.require_version("Camel", "1.2")
    from gi.repository import Camel, Gio

    message = Camel.MimeMessage.new()
    message.construct_from_input_stream_sync(Gio.MemoryInputStream.new_from_data(data), None)

    def leaves(part):
        content = part.get_content()
        if isinstance(content, Camel.Multipart):
            for at in range(content.get_number()):
                yield from leaves(content.get_part(at))
        elif isinstance(content, Camel.MimeMessage):
            yield from leaves(content)
        elif content is not None:
            out = Gio.MemoryOutputStream.new_resizable()
            content.decode_to_output_stream_sync(out, None)
            out.close(None)
            yield out.steal_as_bytes().get_data()

    yield from leaves(message)


def main():
    decode = {"python": compat, "python-policy": modern, "gmime": gmime, "camel": camel}[sys.argv[1]]
    source, target = map(pathlib.Path, sys.argv[2:4])
    for path in sorted(source.glob("*.eml")):
        directory = target / path.stem
        directory.mkdir(parents=True, exist_ok=True)
        parts = decode(path.read_bytes())
        number = 0
        while True:
            try:
                part = next(parts)
            except StopIteration:
                break
            except Exception:  # This one is too odd for it: no witness.
                break
            number += 1
            (directory / str(number)).write_bytes(part or b"")


main()
