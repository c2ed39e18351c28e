/** What people read of a built-in loss; p is the draft's distribution, q the target's, sums are over the vocabulary. */
export interface LossTitle {
  title: string
  formula: string
  note: string
}

/** By the names that the engine knows. A loss that is not here shows its text alone. */
export const lossTitles: Readonly<Record<string, LossTitle>> = {
  'tvd++': {
    title: 'TVD++ (Goel et al. 2024)',
    formula: '∇L = Σ p ∇ln p · −(r − μ) / σ,  r = 1 where q > p, else 0',
    note: "The paper's: total variation as a reward, normalised over the batch.",
  },
  'tvd++-sequence': {
    title: 'TVD++ over a sequence',
    formula: 'as TVD++, with μ and σ of each sequence',
    note: 'The reward is normalised in each conversation by itself.',
  },
  'tvd++-position': {
    title: 'TVD++ at each position',
    formula: 'as TVD++, with μ and σ of each position',
    note: 'The reward is normalised at each position by itself.',
  },
  'tvd++-sampled': {
    title: 'TVD++ with drawn tokens',
    formula: 'as TVD++, the expectation estimated by one token drawn from p',
    note: 'A policy gradient with μ as its baseline: noisier steps.',
  },
  'tvd++-sequence-sampled': {
    title: 'TVD++ over a sequence, with drawn tokens',
    formula: 'as TVD++, drawn, with μ and σ of each sequence',
    note: 'A policy gradient, normalised in each conversation.',
  },
  tvd: {
    title: 'TVD: total variation distance',
    formula: '½ Σ |p − q| = 1 − Σ min(p, q) = 1 − α',
    note: 'The chance that a drafted token is refused, itself.',
  },
  kld: {
    title: 'KLD: forward Kullback–Leibler divergence',
    formula: 'Σ q (ln q − ln p)',
    note: 'The customary loss of distillation: smooth, and covers all that the target says.',
  },
  'reverse-kld': {
    title: 'Reverse KLD',
    formula: 'Σ p (ln p − ln q)',
    note: 'Keeps the draft from saying what the target would not.',
  },
  jsd: {
    title: 'JSD: Jensen–Shannon divergence',
    formula: '½ KL(q ‖ m) + ½ KL(p ‖ m),  m = (p + q) / 2',
    note: 'Between forward and reverse.',
  },
  'negative-log-acceptance': {
    title: 'Negative log acceptance',
    formula: '−ln Σ min(p, q) = −ln α',
    note: "TVD's gradient, larger where the draft is far off.",
  },
  'kl-tv-hybrid': {
    title: 'KL / TV hybrid',
    formula: 'λ KL(q ‖ p) + (1 − λ) TV(p, q),  λ = exp(−3 α)',
    note: 'Divergence while the two are far apart, total variation when drafts are mostly accepted.',
  },
  'cross-entropy': {
    title: 'Cross-entropy on the answers',
    formula: '−ln p(next token)',
    note: 'Learns from the words alone, without the distribution: what the others are to be compared with.',
  },
}

/** A loss to begin with: it is smooth where TVD is not. */
export const exampleLoss = `// The squared Hellinger distance: 1 − Σ √(p q).
// p: the draft's probability of a token, q: the target's.
sum affinity = sqrt(p * q)

// The loss at a position, from its sums.
value = 1.0 - affinity

// ∂value/∂p of a token, here times p, which is safe where p is tiny.
weightedMass = -0.5 * sqrt(p * q)
`
