/** Whether each clamd looks at what is as large as a message can be, as it was found to and not as it is set. */
import { showSize } from '../../daemon/config-units.ts';
import type { Config } from '../../daemon/config.ts';
import type { RuleName } from '../../verdict/rules.ts';
import { type Check, error, ifKnown, type Look, ok, unknown, warn } from '../check.ts';
import type { ClamdConf, ClamdFacts, ClamdSizes } from '../facts.ts';
import { confBytes } from './clamd-values.ts';

export const clamdFileCheck: Check = {
  id: 'size-clamd-file',
  what: 'each clamd takes, and looks at, as large a file as a message can be',
  why: 'What is larger counts as looked at in part. By default such a message is quarantined; before the queue, and by a Milter, it is refused (552 5.3.4); with "pass" or "tag" it is delivered unscanned.',
  mend: 'Raise StreamMaxLength, MaxFileSize and MaxScanSize in its clamd.conf and restart it, or lower message_size_limit of main.cf.',
  see: 'clamd.conf(5) StreamMaxLength, MaxFileSize, MaxScanSize; docs/architecture.md',
  look: ({ clamd, config }) =>
    clamd
      // Of one that does not answer, or finds nothing, other checks tell.
      .filter(({ pong, canary }) => pong.known && pong.value === 'PONG' && canary.known)
      .flatMap((one) =>
        ifKnown(one.sizes, `up to which size ${one.endpoint} looks at a file`, (sizes) =>
          judged(one, sizes, config.rules),
        ),
      ),
};

function judged(clamd: ClamdFacts, sizes: ClamdSizes, rules: Config['rules']): Look {
  const { endpoint } = clamd;
  const { upTo, takesStream, fileBytes } = sizes;
  const wanted = showSize(upTo);
  if (!takesStream) {
    return tooSmall(`${endpoint} refuses a stream of ${wanted}`, ['StreamMaxLength'], 'oversize');
  }
  if (fileBytes === Infinity) {
    return unknown(`up to which size ${endpoint} looks at a file: it looks into no archives`);
  }
  if (fileBytes >= upTo) return ok(`${endpoint}: ${wanted}`);
  // Of one that tells of its limits, its own word falls under another rule.
  const rule = clamd.limitAlerts.known && clamd.limitAlerts.value === 'on' ? 'limits' : 'oversize';
  const found = `${endpoint} was found to look at files of up to ${showSize(fileBytes)}, and a message can have ${wanted}`;
  return tooSmall(found, ['MaxFileSize', 'MaxScanSize'], rule);

  function tooSmall(what: string, options: readonly string[], under: RuleName): Look {
    const action = rules[under];
    const text = `${what} ([rules] ${under} = "${action}")`;
    const mend = mendOf(clamd, options, upTo);
    return action === 'pass' || action === 'tag' ? error(text, mend) : warn(text, mend);
  }
}

/** Undefined where its clamd.conf is not known. */
function mendOf(
  { conf }: ClamdFacts,
  options: readonly string[],
  upTo: number,
): string | undefined {
  if (conf?.known !== true) return undefined;
  const { file } = conf.value;
  const small = smallerOf(conf.value, options, upTo);
  if (small.length === 0) {
    return `Restart clamd: it has not taken up ${file}, which allows for more.`;
  }
  return `Raise ${small.join(' and ')} in ${file} to at least ${showSize(upTo)} and restart clamd, or lower message_size_limit of main.cf.`;
}

function smallerOf(conf: ClamdConf, options: readonly string[], upTo: number): string[] {
  return options.flatMap((name) => {
    const bytes = confBytes(conf, name);
    return bytes < upTo ? [`${name} (${showSize(bytes)})`] : [];
  });
}
