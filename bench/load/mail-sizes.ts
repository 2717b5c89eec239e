/**
 * How large mail is. Measured sizes follow a log-normal distribution (Matsubara and Musashi, "Fluctuations
 * in email size", Eur. Phys. J. Plus 132, 2017, doi:10.1140/epjp/i2017-11767-2). Its two parameters are those of
 * a week of a provider's incoming mail, as LEAP has published them with the benchmarks of Soledad ("Sync
 * size statistics"): 15.0 KB in the median, 110.6 KB in the mean, from 0.46 to 25,572 KB. They give a deviation of
 * 732.9 KB, too, which the distribution would have near 810. Pure.
 */

const KB = 1000;
const median = 14.974 * KB;
const mean = 110.626 * KB;
const least = 0.461 * KB;
const most = 25_571.748 * KB;
/** Of the logarithm: a log-normal mean is its median times e^(σ²/2). */
const sigma = Math.sqrt(2 * Math.log(mean / median));

/** Steps that spread points evenly over a square, however many there are: powers of 1/1.3247…, the root of x³ = x + 1. */
const step = { x: 0.7548776662466927, y: 0.5698402909980532 };

/** So many sizes in bytes, always the same, in an order in which each stretch has small and large ones. */
export function mailSizes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const [x, y] = [fraction((index + 1) * step.x), fraction((index + 1) * step.y)];
    const bytes = median * Math.exp(sigma * normal(x, y));
    return Math.round(Math.min(most, Math.max(least, bytes)));
  });
}

/** Box and Muller's way from two evenly distributed numbers to a normally distributed one. */
function normal(x: number, y: number): number {
  return Math.sqrt(-2 * Math.log(1 - x)) * Math.cos(2 * Math.PI * y);
}

function fraction(value: number): number {
  return value - Math.floor(value);
}
