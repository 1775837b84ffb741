/** Two ids of which `RowIds` makes the same 53 bits: found once by walking until two paths met (67 million steps). */
export const COLLIDING = ['rkx4cagqv5f', 'k2btyobstea'] as const;
