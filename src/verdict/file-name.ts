/**
 * What a file is called, to whoever saves or opens it: the forms of a name that rules are held to,
 * and the tricks that make it look like another. No homoglyphs are folded beyond NFKC: an extension
 * in Cyrillic letters opens nothing.
 */

/** Ways to make a name look harmless. */
export const nameTricks = [
  /** `invoice.pdf.exe`, and `invoice.pdf            .exe`. */
  'double-extension',
  /** Characters that turn the direction of writing: U+202E makes `annexe.txt` of `ann[U+202E]txt.exe`. */
  'direction-override',
  /** Control characters, and such of no width as no script needs. */
  'hidden-characters',
  /** Dots or blanks at the end, which Windows leaves off. */
  'trailing-dots',
] as const;

export type NameTrick = (typeof nameTricks)[number];

/** Of a name from the outside as much is looked at: its end, because that says how it is opened. */
const nameCharsMax = 4096;

const controls = /[\p{Cc}]/gu;
/** Format characters: directions, joiners, zero width, soft hyphen, byte order mark. */
const formats = /\p{Cf}/gu;
const overrides = /[\u202a-\u202e\u2066-\u2069]/u;
/** Without the joiners that Persian, Hindi and emoji need, and the marks of right-to-left scripts. */
const hidden = /[\p{Cc}\u00ad\u180e\u200b\u2060-\u2064\ufeff]/u;

const documents =
  'pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|txt|csv|html?|xml|jpe?g|png|gif|bmp|tiff?|mp[34]|avi|wav|zip|rar|7z';
const programs =
  'exe|scr|com|pif|bat|cmd|cpl|msi|jar|js|jse|vbs?|vbe|wsf|wsh|hta|ps1|lnk|reg|iso|img|dll';
const doubled = new RegExp(`\\.(?:${documents})\\s*\\.(?:${programs})$`);

/** Each form of the last component of `name`, in lower case. */
export function nameForms(name: string): ReadonlySet<string> {
  const whole = name.slice(-nameCharsMax).normalize('NFKC').toLowerCase();
  // What reads C strings sees no more than what stands before NUL.
  const cut = whole.split('\0', 1)[0] ?? '';
  const forms = new Set<string>();
  for (const one of [whole, cut]) {
    const visible = one.replace(controls, '').replace(formats, '');
    // As basename(1) does, past separators at the end and what else leaves nothing.
    const components = visible.split(/[/\\]/).map(stripped);
    forms.add(components.findLast(isSomething) ?? '');
    // A stream of NTFS: what stands before the colon is opened.
    forms.add(components.map(beforeColon).findLast(isSomething) ?? '');
  }
  forms.delete('');
  return forms;
}

/** The tricks in `name`. */
export function tricksIn(name: string): ReadonlySet<NameTrick> {
  const raw = name.slice(-nameCharsMax);
  const tricks = new Set<NameTrick>();
  if ([...nameForms(raw)].some((form) => doubled.test(form))) tricks.add('double-extension');
  if (overrides.test(raw)) tricks.add('direction-override');
  if (hidden.test(raw)) tricks.add('hidden-characters');
  if (/[^./\\\s][\s.]*[\s.]$/u.test(raw)) tricks.add('trailing-dots');
  return tricks;
}

function beforeColon(name: string): string {
  return stripped(name.split(':', 1)[0] ?? '');
}

function isSomething(name: string): boolean {
  return name !== '';
}

/** Without what Windows leaves off. */
function stripped(name: string): string {
  let end = name.length;
  while (end > 0 && /[\s.]/u.test(name[end - 1] ?? '')) end--;
  return name.slice(0, end).trimStart();
}
