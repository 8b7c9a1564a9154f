// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface IRegistry {
    function register() external returns (uint256);
    function transferFrom(address from, address to, uint256 tokenId) external;
}

/// A contract wallet (EIP-1271) that agrees to what its one key signed.
contract KeyWallet {
    address private immutable key;

    constructor(address key_) {
        key = key_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer =
            ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == key ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// Registers an agent and passes it on while it is being minted.
contract PassingReceiver {
    address private immutable heir;

    constructor(address heir_) {
        heir = heir_;
    }

    function register(address registry) external returns (uint256) {
        return IRegistry(registry).register();
    }

    function onERC721Received(address, address, uint256 tokenId, bytes calldata) external returns (bytes4) {
        IRegistry(msg.sender).transferFrom(address(this), heir, tokenId);
        return this.onERC721Received.selector;
    }
}

/// Registers an agent but will not take it.
contract RefusingReceiver {
    function register(address registry) external returns (uint256) {
        return IRegistry(registry).register();
    }
}
