// Parts as mail clients in JavaScript decode them: DECODER IN OUT (see python_decoders.py). The
// packages are looked for in the directory that DECODER_PACKAGES names.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [decoder, source, target] = process.argv.slice(2);
const { resolve } = createRequire(join(process.env['DECODER_PACKAGES'] ?? '.', 'package.json'));
const load = async (name) => import(pathToFileURL(resolve(name)).href);

// Written for bundlers, some leave off the ends of the names of their files.
registerHooks({
  resolve: (name, context, next) => {
    try {
      return next(name, context);
    } catch {
      return next(`${name}.js`, context);
    }
  },
});

const decoders = {
  'postal-mime': async (bytes) => {
    const PostalMime = (await load('postal-mime')).default;
    const mail = await (PostalMime.default ?? PostalMime).parse(bytes);
    return [...mail.attachments.map(({ content }) => content), mail.text, mail.html];
  },
  emailjs: async (bytes) => {
    const parse = (await load('emailjs-mime-parser')).default;
    const leaves = (node) => [node.content, ...node.childNodes.flatMap(leaves)];
    return leaves((parse.default ?? parse)(bytes));
  },
  letterparser: async (bytes) => {
    const { extract } = await load('letterparser');
    const mail = extract(bytes.toString('latin1'));
    return [mail.text, mail.html, ...(mail.attachments ?? []).map(({ body }) => body)];
  },
  jsmimeparser: async (bytes) => {
    const { parseMail } = await load('@protontech/jsmimeparser');
    const mail = parseMail(new Uint8Array(bytes));
    return [...mail.attachments.map(({ content }) => content), mail.body.text, mail.body.html];
  },
};

// A decoder that is stopped by one message has still to read the next.
process.on('uncaughtException', () => undefined);
for (const file of readdirSync(source)) {
  const directory = join(target, file.replace(/\.eml$/, ''));
  mkdirSync(directory, { recursive: true });
  try {
    const parts = await decoders[decoder](readFileSync(join(source, file)));
    const present = parts.filter((part) => part !== undefined && part !== null);
    present.forEach((part, at) => {
      const bytes = part instanceof ArrayBuffer ? Buffer.from(part) : part;
      writeFileSync(join(directory, String(at)), bytes);
    });
  } catch {
    // Too odd for it: no witness.
  }
}
