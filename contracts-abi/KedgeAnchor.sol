// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title KedgeAnchor: the on-chain head of one append-only log.
/// @notice A root is accepted only if the log's signer authorised it and an RFC 9162 consistency proof shows that its
/// tree extends the last accepted one. Anybody may submit. There is no administrator, no upgrade and no reset: a root
/// once accepted stays, and a tree that rewrites history can never be accepted.
///
/// Storage, for those who read it by eth_getProof: `roots` is slot 0, so roots[size] lies at
/// keccak256(pad32(size) || pad32(0)); the head's size is slot 1. Everything else is an immutable, that is, in the code.
contract KedgeAnchor {
    /// The size is not above the head's (and not a repetition of the root kept for that size).
    error Stale();
    /// The consistency proof does not lead from the head to the new root.
    error BadProof();
    /// The authorisation is not the signer's.
    error BadSignature();

    event Anchored(uint64 indexed size, bytes32 root);

    /// The root accepted for a size; zero if that size was never anchored.
    mapping(uint64 size => bytes32 root) public roots;
    /// A whole slot, though it is a uint64: writing a part would read the rest first.
    uint256 private headSize;

    /// keccak256 of the log's origin, the name in its checkpoints.
    bytes32 public immutable originHash;
    /// Whose authorisation is needed.
    address public immutable signer;
    /// Fixed here so that it is part of the code hash a verifier pins.
    address public immutable guardian;
    bytes32 private immutable domainSeparator;

    bytes32 private constant ANCHOR_TYPEHASH = keccak256("Anchor(bytes32 originHash,uint64 size,bytes32 root)");
    /// Half of the order of secp256k1: a signature with a larger s has a twin, and is refused.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    constructor(bytes32 originHash_, address signer_, address guardian_) {
        // ecrecover answers zero for what it cannot recover; a zero signer would make every signature good.
        if (signer_ == address(0)) revert BadSignature();
        originHash = originHash_;
        signer = signer_;
        guardian = guardian_;
        domainSeparator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("KedgeAnchor"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
    }

    /// Accepts `root` as the tree of `size` leaves. Quiet if that root is kept for that size already, so that several
    /// submitters do not hurt each other. The first anchor has no proof.
    /// @param authorisation r || s || v over the EIP-712 Anchor, v 27 or 28, s at most half the order.
    function anchor(uint64 size, bytes32 root, bytes32[] calldata consistencyProof, bytes calldata authorisation) external {
        uint256 oldSize = headSize;
        if (size <= oldSize) {
            if (root != 0 && roots[size] == root) return;
            revert Stale();
        }
        if (!authorised(size, root, authorisation)) revert BadSignature();
        if (oldSize == 0) {
            // Zero stands for "never anchored" in `roots`, so it cannot be a root.
            if (root == 0 || consistencyProof.length != 0) revert BadProof();
        } else if (!consistent(oldSize, roots[uint64(oldSize)], size, root, consistencyProof)) {
            revert BadProof();
        }
        headSize = size;
        roots[size] = root;
        emit Anchored(size, root);
    }

    /// The last accepted tree; (0, 0) before the first.
    function head() external view returns (uint64 size, bytes32 root) {
        size = uint64(headSize);
        root = roots[size];
    }

    /// Whether the leaf is at `index` in the anchored tree of `size` leaves; false if that size was never anchored.
    /// @param leafHash SHA-256(0x00 || entry)
    function verifyInclusion(bytes32 leafHash, uint64 index, uint64 size, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = roots[size];
        return root != 0 && index < size && included(leafHash, index, size, root, proof);
    }

    /// Whether the tree (size2, root2) extends (size1, root1), as RFC 9162 2.1.4.2 says: size 0 is refused, equal sizes
    /// need equal roots and no proof. Roots are given, so that a checkpoint never anchored can be held against one that was.
    function verifyConsistency(uint64 size1, bytes32 root1, uint64 size2, bytes32 root2, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        if (size1 == 0 || size1 > size2) return false;
        if (size1 == size2) return proof.length == 0 && root1 == root2;
        return consistent(size1, root1, size2, root2, proof);
    }

    function authorised(uint64 size, bytes32 root, bytes calldata authorisation) private view returns (bool) {
        if (authorisation.length != 65) return false;
        bytes32 separator = domainSeparator;
        bytes32 log = originHash;
        bytes32 typehash = ANCHOR_TYPEHASH;
        address expected = signer;
        bool ok;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typehash)
            mstore(add(m, 0x20), log)
            mstore(add(m, 0x40), size)
            mstore(add(m, 0x60), root)
            let structHash := keccak256(m, 0x80)
            mstore(m, shl(240, 0x1901))
            mstore(add(m, 0x02), separator)
            mstore(add(m, 0x22), structHash)
            mstore(m, keccak256(m, 0x42))
            mstore(add(m, 0x20), byte(0, calldataload(add(authorisation.offset, 0x40))))
            calldatacopy(add(m, 0x40), authorisation.offset, 0x40)
            // What cannot be recovered leaves the scratch word as it is, zero, and the signer is never zero.
            mstore(0, 0)
            ok := staticcall(gas(), 1, m, 0x80, 0, 0x20)
            ok := and(ok, iszero(gt(mload(add(m, 0x60)), MAX_S)))
            ok := and(ok, eq(mload(0), expected))
        }
        return ok;
    }

    /// RFC 9162 2.1.4.2 for 0 < size1 < size2, both hashes carried together. While the two positions differ, each level has
    /// one sibling: on the left it belongs to both trees, on the right to the larger one only. Once they are equal,
    /// only left siblings remain, one for each bit that is set. So the sizes alone say how many hashes are read, 64 at the
    /// most, and a proof of any other length fails at the end. The precompile can fail only for want of gas, and then
    /// the 64th part of it that is left cannot pay for anything either: its answer needs no look.
    function consistent(uint256 size1, bytes32 root1, uint256 size2, bytes32 root2, bytes32[] calldata proof)
        private
        view
        returns (bool ok)
    {
        assembly ("memory-safe") {
            // Two blocks 0x01 || left || right, at a and b; each hash lands in its block's right half.
            let a := add(mload(0x40), 0x1f)
            let b := add(a, 0x60)
            mstore8(a, 1)
            mstore8(b, 1)

            let next := proof.offset
            let fn := sub(size1, 1)
            let differ := xor(fn, sub(size2, 1))
            for {} and(fn, 1) {} {
                fn := shr(1, fn)
                differ := shr(1, differ)
            }
            // "If first is an exact power of 2, then prepend first_hash to the consistency_path array."
            let seed := root1
            if fn {
                seed := calldataload(next)
                next := add(next, 0x20)
            }
            mstore(add(a, 0x21), seed)
            mstore(add(b, 0x21), seed)

            for {} differ {} {
                switch and(fn, 1)
                case 0 {
                    mstore(add(b, 0x01), mload(add(b, 0x21)))
                    calldatacopy(add(b, 0x21), next, 0x20)
                }
                default {
                    let p := calldataload(next)
                    mstore(add(a, 0x01), p)
                    pop(staticcall(gas(), 2, a, 0x41, add(a, 0x21), 0x20))
                    mstore(add(b, 0x01), p)
                }
                pop(staticcall(gas(), 2, b, 0x41, add(b, 0x21), 0x20))
                next := add(next, 0x20)
                fn := shr(1, fn)
                differ := shr(1, differ)
            }
            for {} fn {} {
                let p := calldataload(next)
                mstore(add(a, 0x01), p)
                pop(staticcall(gas(), 2, a, 0x41, add(a, 0x21), 0x20))
                mstore(add(b, 0x01), p)
                pop(staticcall(gas(), 2, b, 0x41, add(b, 0x21), 0x20))
                next := add(next, 0x20)
                fn := and(fn, sub(fn, 1))
            }
            ok := eq(next, add(proof.offset, shl(5, proof.length)))
            ok := and(ok, and(eq(mload(add(a, 0x21)), root1), eq(mload(add(b, 0x21)), root2)))
        }
    }

    /// RFC 9162 2.1.3.2 for index < size, in the same two stretches.
    function included(bytes32 leafHash, uint256 index, uint256 size, bytes32 root, bytes32[] calldata proof)
        private
        view
        returns (bool ok)
    {
        assembly ("memory-safe") {
            let a := add(mload(0x40), 0x1f)
            mstore8(a, 1)
            mstore(add(a, 0x21), leafHash)

            let next := proof.offset
            let differ := xor(index, sub(size, 1))
            for {} differ {} {
                switch and(index, 1)
                case 0 {
                    mstore(add(a, 0x01), mload(add(a, 0x21)))
                    calldatacopy(add(a, 0x21), next, 0x20)
                }
                default { calldatacopy(add(a, 0x01), next, 0x20) }
                pop(staticcall(gas(), 2, a, 0x41, add(a, 0x21), 0x20))
                next := add(next, 0x20)
                index := shr(1, index)
                differ := shr(1, differ)
            }
            for {} index {} {
                calldatacopy(add(a, 0x01), next, 0x20)
                pop(staticcall(gas(), 2, a, 0x41, add(a, 0x21), 0x20))
                next := add(next, 0x20)
                index := and(index, sub(index, 1))
            }
            ok := eq(next, add(proof.offset, shl(5, proof.length)))
            ok := and(ok, eq(mload(add(a, 0x21)), root))
        }
    }
}
