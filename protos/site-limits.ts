/**
 * What a site lets one study, one run or one lead ask of it where its `policy.yaml` does not say: the defaults that a site
 * holds, and that the coordinator, which does not know a site's policy, tells of before a run starts (fedsum, section E).
 */

/** Runs of one study, roll-backs among them. */
export const runsMaxDefault = 5
/** Studies of one lead that a policy approves in passing, in so many days. */
export const studiesMaxDefault = 5
export const studiesMaxDays = 31
/** How often a site comes and goes in the training of one run. */
export const trainExposuresMaxDefault = 25
/** Evaluations by one label, in other studies, whose sites differ by a few. */
export const evaluateExposuresMaxDefault = 3
