// Where rings and daemons stand in the drawing: numbers only, no elements.

const LABEL_SIDE = 92;
const LABEL_MIDDLE = 56;
const LABEL_TOP = 72;
const MANY = 9;
const ALONE_WIDTH = 150;
const ALONE_HEIGHT = 112;

/**
 * Return { width, height, tracks, nodes } for rings (lists of names) and names outside of them.
 *
 * A track is { x, y, r, ring }. A node is { x, y, angle, r, ring, radial }: `radial` says that its
 * label runs outwards, because many stand on the ring.
 */
export function arrange(rings, outside, width) {
  const total = rings.reduce((sum, members) => sum + members.length, 0);
  const blocks = rings.map((members, ring) => ringBlock(members, ring, width, members.length / total));
  blocks.push(...outside.map((name) => aloneBlock(name)));
  const rows = inRows(blocks, width);
  const tracks = [];
  const nodes = new Map();
  let top = 0;
  for (const row of rows) {
    const height = Math.max(...row.map((block) => block.height));
    const used = row.reduce((sum, block) => sum + block.width, 0);
    const gap = (width - used) / (row.length + 1);
    let left = gap;
    for (const block of row) {
      place(block, left + block.width / 2, top + height / 2, tracks, nodes);
      left += block.width + gap;
    }
    top += height;
  }
  return { width, height: Math.max(top, 160), tracks, nodes };
}

function ringBlock(members, ring, width, share) {
  const count = members.length;
  const radial = count > MANY;
  const side = radial ? 92 : count < 3 ? LABEL_MIDDLE : LABEL_SIDE;
  const top = radial ? 92 : LABEL_TOP;
  const fitting = Math.max(44, width / 2 - side);
  const r = count === 1 ? 34 : Math.min(fitting, radial ? 250 : 190, Math.max(wanted(count, share), (count * 46) / (2 * Math.PI)));
  return { width: 2 * (r + side), height: 2 * (r + top), r, members, ring, radial };
}

/** The radius that looks right: a ring that shares the drawing is smaller. */
function wanted(count, share) {
  return (count === 2 ? 100 : 150) * (share < 1 ? 0.3 + 0.5 * share : 1);
}

function aloneBlock(name) {
  return { width: ALONE_WIDTH, height: ALONE_HEIGHT, r: 0, members: [name], ring: null, radial: false };
}

function inRows(blocks, width) {
  const rows = [];
  let used = Infinity;
  for (const block of blocks) {
    if (used + block.width > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push(block);
    used += block.width;
  }
  return rows;
}

function place(block, x, y, tracks, nodes) {
  const count = block.members.length;
  const size = count === 1 ? 24 : Math.min(block.radial ? 14 : 24, (block.r * Math.PI) / count - 2);
  if (block.ring !== null) tracks.push({ x, y, r: block.r, ring: block.ring, count });
  block.members.forEach((name, index) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * index) / count;
    nodes.set(name, {
      x: x + block.r * Math.cos(angle),
      y: y + block.r * Math.sin(angle),
      angle, r: size, ring: block.ring, radial: block.radial, index, count,
    });
  });
}
