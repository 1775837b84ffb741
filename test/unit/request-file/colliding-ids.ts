/** Two ids with the same 53-bit hash in `CustomIdIndex`, found by a search of 67 million steps. */
export const COLLIDING = ['rkx4cagqv5f', 'k2btyobstea'] as const;
