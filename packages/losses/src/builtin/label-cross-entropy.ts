import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/** −ln p(label), in nats: what pretraining minimises, as a term to mix with others. Its gradient is p − 1{label}. */
export const labelCrossEntropy: RowLoss = defineRowLoss({
  name: 'cross-entropy',
  sums: { surprise: 'select(0.0, -logP, isLabel > 0.0)' },
  value: 'surprise',
  weightedMass: '-isLabel',
  needsTarget: false,
  needsLabels: true,
})
