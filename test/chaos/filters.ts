/** The filters by name. */
import { amavisdFilter } from './amavisd-filter.ts';
import { clamgateFilter } from './clamgate-filter.ts';
import { clamsmtpFilter } from './clamsmtp-filter.ts';
import type { Filter, FilterName, FilterSettings } from './filter.ts';

export function prepareFilter(name: FilterName, settings: FilterSettings): Promise<Filter> {
  switch (name) {
    case 'clamgate':
      return clamgateFilter(settings);
    case 'amavisd-new':
      return Promise.resolve(amavisdFilter(settings));
    case 'clamsmtp':
      return Promise.resolve(clamsmtpFilter(settings));
  }
}
